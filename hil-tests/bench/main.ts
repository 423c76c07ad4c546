// npm run bench -- NAME|all [--json] [--seconds N] [--connections N] [--compare] [--keep] | --list
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import type { BenchOptions } from './bench.ts';
import { benches, benchNames } from './benches.ts';
import { type Kept, ratios, readKept, unmatched, writeKept } from './kept.ts';
import { currentCommit, describeMachine, differences, machineLine } from './machine.ts';
import { writePage } from './page.ts';
import { comparisonTable, keptTable, table } from './table.ts';

const USAGE = `usage: npm run bench -- NAME|all [--json] [--seconds N] [--connections N] [--compare] [--keep], or --list. Benches: ${benchNames.join(', ')}
  --compare  beside it, the kept figures, and what others take for the same where they can be run here
  --keep     the same, and keeps what was measured as the figures to compare with, and in docs/benchmarks.md`;

process.exitCode = await main();

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.list) {
    for (const name of benchNames) console.log(name);
    return 0;
  }
  const [name = '', ...rest] = positionals;
  const load = benches[name];
  if ((load === undefined && name !== 'all') || rest.length > 0) {
    return misused(positionals.length === 1 ? `there is no bench '${name}'` : 'name one bench');
  }
  const options: { -readonly [K in keyof BenchOptions]: BenchOptions[K] } = {};
  for (const option of ['seconds', 'connections'] as const) {
    if (values[option] === undefined) continue;
    options[option] = Number(values[option]);
    if (!(options[option] > 0)) return misused(`--${option} is '${values[option]}'; it must be more than 0`);
    if (values.keep) return misused(`figures are kept of what a bench does by itself: leave --${option} out`);
  }
  if (load === undefined) return all(process.argv.slice(2).filter((argument) => argument !== name));
  const failure = buildBundles(join(import.meta.dirname, '../..'));
  if (failure !== undefined) {
    console.error(failure);
    return 1;
  }
  const bench = await load();
  const isCompared = values.compare || values.keep;
  const former = isCompared ? readKept(name) : undefined;
  const machine = describeMachine();
  const rows = await bench.run(options);
  const comparison = isCompared ? ((await bench.compare?.()) ?? null) : null;
  const { watched } = bench;
  const result = { bench: name, commit: currentCommit() ?? null, machine, watched, rows, comparison };
  const kept = former === undefined ? null : ratiosTo(former, result);
  if (values.json) console.log(JSON.stringify(isCompared ? { ...result, kept } : result));
  else console.log(inTables(result, former));
  if (isCompared && former === undefined && !values.keep)
    console.error(`nothing is kept of ${name} to compare with: npm run bench -- ${name} --keep`);
  if (values.keep) {
    const kept: Kept = { ...result, keptAt: new Date().toISOString() };
    writeKept(kept);
    writePage(kept);
  }
  return 0;
}

/** Each in a process of its own: none inherits another's heap. */
function all(argv: readonly string[]): number {
  const failed = benchNames.filter((name) => {
    const args = [...process.execArgv, import.meta.filename, name, ...argv];
    return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0;
  });
  if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

type Result = Omit<Kept, 'keptAt'>;

function ratiosTo(former: Kept, { rows, watched, machine: now }: Result) {
  const { keptAt, commit, machine } = former;
  return {
    ...{ keptAt, commit, machine, otherMachine: differences(now, machine) },
    ...{ ratios: ratios(rows, former.rows, watched), unmatched: unmatched(rows, former.rows) },
  };
}

function inTables(result: Result, former: Kept | undefined): string {
  const { bench, rows, comparison, machine } = result;
  return [
    `${bench}: ${machineLine(machine)}\n${table(rows)}`,
    ...(former === undefined ? [] : [keptTable(result, former)]),
    ...(comparison === null ? [] : [comparisonTable(comparison)]),
  ].join('\n\n');
}

function misused(why: string): number {
  console.error(`${why}\n${USAGE}`);
  return 2;
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      compare: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
}
