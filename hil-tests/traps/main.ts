// npm run traps [-- --trap NAME]... [--list] [--json]
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
// biome-ignore lint/style/noRestrictedImports: both are tools of the checkout, and tools has no name for what is not shipped.
import { copyTree } from '../../tools/check/copied-tree.ts';
import { buildBundles } from '../runner/build.ts';
import { runCommand, say } from '../runner/command.ts';
import type { Trap } from './trap.ts';
import { traps } from './traps.ts';
import { TrapTrials, type Trial } from './try-out.ts';

const usage = `Usage: npm run traps -- [--trap NAME]... [--list] [--json]

Takes the guard of each trap out, one at a time, in a copy of this checkout, and runs the test that is to hold it: it must
fail there, and pass with the guard in its place. Nothing here is changed.

  --trap NAME  this trap alone, or every one whose name begins so; may be given several times (default: all)
  --list       say what there is, and try nothing
  --json       a line of JSON for each trap and test, on standard output

Exit codes: 0 every trap is held; 1 one is not, or its test does not pass as it is; 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, main);

interface Options {
  readonly help: boolean;
  readonly chosen: readonly Trap[];
  readonly list: boolean;
  readonly json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      trap: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { trap: wanted, list, json, help } = values;
  for (const name of wanted ?? []) {
    if (!traps.some((trap) => trap.name.startsWith(name)))
      throw new Error(`--trap ${name}: there is no such trap`);
  }
  const chosen =
    wanted === undefined ? traps : traps.filter(({ name }) => wanted.some((start) => name.startsWith(start)));
  return { help, chosen, list, json };
}

async function main({ chosen, list, json }: Options): Promise<number> {
  if (list) {
    for (const trap of chosen) console.log(json ? JSON.stringify(trap) : described(trap));
    return 0;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort());
  const tree = copyTree(join(import.meta.dirname, '../..'));
  const trials: Trial[] = [];
  try {
    // Tests of the cloud serve its page as built, too.
    const failure = buildBundles(tree);
    if (failure !== undefined) throw new Error(failure);
    const tried = new TrapTrials(tree, interrupted.signal);
    for (const trap of chosen) {
      for await (const trial of tried.try(trap)) {
        trials.push(trial);
        if (json) console.log(JSON.stringify(trial));
        else console.log(lineOf(trial));
        if (trial.verdict === 'unsound') say(trial.said);
      }
      if (interrupted.signal.aborted) return 1;
    }
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  const open = trials.filter(({ verdict }) => verdict !== 'held');
  say(`${trials.length - open.length} held, ${open.length} not`);
  return open.length === 0 ? 0 : 1;
}

function lineOf({ trap, test, verdict, seconds, failed }: Trial): string {
  return `${verdict.padEnd(7)} ${seconds.toFixed(1).padStart(5)} s  ${trap}  ${test}  ${failed}`;
}

function described({ name, bites, guard, removals, heldBy }: Trap): string {
  const files = [...new Set(removals.map(({ file }) => file))].join(', ');
  return `${name}\n  ${bites}\n  guard: ${guard} (${files})\n  held by: ${heldBy.join(', ')}\n`;
}
