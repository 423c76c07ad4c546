// npm run test:image -- [--rung NAME …] [--cuts N] [--seed S] [--json] [--keep]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand, say } from '../runner/command.ts';
import { wholeNumber } from '../runner/whole-number.ts';
import { inOwnNetwork } from './lan.ts';
import type { Shown } from './rung.ts';
import { type Order, rungs } from './rungs.ts';

const usage = `Usage: npm run test:image -- [--rung NAME …] [--cuts N] [--seed S] [--json] [--keep]

Climbs the ladder from a release to a gateway: what was built is run on more and more of a real machine.

${rungs.map(({ name, what, minutes }) => `  ${name.padEnd(8)} ${minutes} min  ${what}`).join('\n')}

  --rung NAME   this one; may be given again. Default: all, in this order
  --cuts N      how often the power of an emulated machine is cut (default: 5; 0 to 1000)
  --seed S      which moments these are (default: 1); the same seed draws the same
  --json        one line of JSON: {"seed","passed","failed","rungs":[{"name","seconds","folder","shown":[…]}]}
  --keep        leave the folder of each rung: disks, logs, the cloud's state. Of a rung that failed it is always left

Times are for two cores with all that is kept kept, and of virt with one cut. Needs root (networks, wires) and Debian 12 or later on x64 or arm64; packages
that are missing are installed. Ends with the line "N passed, N failed"; each thing shown is one.
Exit codes: 0 all passed, 1 something failed, 2 called wrongly.
`;

process.exitCode = await runCommand(usage, readOptions, run);

interface Climbed {
  readonly name: string;
  readonly seconds: number;
  /** Where its artefacts are; undefined where they were removed. */
  readonly folder: string | undefined;
  readonly shown: readonly Shown[];
}

async function run(options: ReturnType<typeof readOptions>): Promise<number> {
  const chosen = rungs.filter(({ name }) => options.rung.length === 0 || options.rung.includes(name));
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort());
  }
  const climbed: Climbed[] = [];
  for (const script of chosen) {
    if (interrupted.signal.aborted) break;
    say(`${script.name}: ${script.what}`);
    climbed.push(await climb(script, options, interrupted.signal));
  }
  const count = (result: Shown['result']) =>
    climbed.flatMap(({ shown }) => shown).filter((one) => one.result === result).length;
  const [passed, failed] = [count('passed'), count('failed')];
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ seed: options.seed, passed, failed, rungs: climbed })}\n`);
  } else {
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
  return failed > 0 || interrupted.signal.aborted ? 1 : 0;
}

async function climb(
  script: (typeof rungs)[number],
  { keep, cuts, seed }: ReturnType<typeof readOptions>,
  signal: AbortSignal,
): Promise<Climbed> {
  const { name } = script;
  const began = performance.now();
  const folder = await mkdtemp(join(tmpdir(), `loadline-ladder-${name}-`));
  const end = async (shown: readonly Shown[]): Promise<Climbed> => {
    const seconds = Math.round((performance.now() - began) / 1000);
    const isGood = shown.every(({ result }) => result === 'passed');
    const kept = keep || !isGood ? folder : undefined;
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
    else say(`  ${isGood ? 'kept' : 'what there is to look at'}: ${kept}`);
    const passed = shown.filter(({ result }) => result === 'passed').length;
    say(`  ${passed} passed, ${shown.length - passed} failed, ${seconds} s`);
    return { name, seconds, folder: kept, shown };
  };
  const failed = (what: string, seen: string): Shown => {
    say(`  ✗ ${what}: ${seen}`);
    return { what, result: 'failed', seconds: 0, seen };
  };

  const ready = await script.ready();
  if (ready !== true) return await end([failed('this machine can climb it', ready)]);
  let material: unknown;
  try {
    const prepared = performance.now();
    const inside = join(folder, 'made');
    await mkdir(inside);
    material = await script.prepare(inside);
    say(`  prepared in ${Math.round((performance.now() - prepared) / 1000)} s`);
  } catch (error) {
    return await end([failed('what it is climbed with is built', String((error as Error).message))]);
  }
  if (signal.aborted) return await end([failed('it comes to its end', 'it was interrupted')]);
  const order: Order = { rung: name, folder, material, cuts, seed };
  const ended = await runApart(order, script, signal);
  const shown = await readFile(join(folder, 'shown.json'), 'utf8').then(
    (text) => JSON.parse(text) as Shown[],
    () => undefined,
  );
  if (shown !== undefined && ended === undefined) return await end(shown);
  return await end([...(shown ?? []), failed('it comes to its end', ended ?? 'it told nothing')]);
}

/**
 * Runs a rung in a process of its own, and in a network of its own where it makes one.
 *
 * @returns why it did not come to its end; undefined where it did
 */
async function runApart(
  order: Order,
  script: (typeof rungs)[number],
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = join(import.meta.dirname, 'climb/main.ts');
  const [command = '', ...words] = [
    ...(script.network === 'own' ? inOwnNetwork(order.folder) : []),
    ...[process.execPath, ...process.execArgv, program, JSON.stringify(order)],
  ];
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, script.limit * 60_000);
  const [code, by] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  if (isLate) return `it took more than ${script.limit} minutes`;
  if (signal.aborted) return 'it was interrupted';
  return code === 0 ? undefined : `its process ended with ${by ?? code}`;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rung: { type: 'string', multiple: true, default: [] },
      cuts: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = values.rung.filter((each) => !rungs.some(({ name }) => name === each));
  if (unknown.length > 0) throw new Error(`there is no rung ${unknown.join(', ')}`);
  const cuts = wholeNumber('cuts', values.cuts, 0, 1000);
  return { ...values, cuts, seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 1) };
}
