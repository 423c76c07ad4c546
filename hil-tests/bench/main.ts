// npm run bench -- NAME [--json] [--seconds N] [--connections N] [--compare] | --list
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';

// Loaded when asked for: a bench of the framer does not wait for a broker.
const BENCHES: Record<string, Bench> = {
  connections: async (options) => (await import('./connections.ts')).benchConnections(options),
  framer: async () => (await import('./framer.ts')).benchFramer(),
  gateway: async (options) => (await import('./gateway.ts')).benchGateway(options),
  ingest: async (options) => (await import('./ingest.ts')).benchIngest(options),
  latency: async (options) => (await import('./latency.ts')).benchLatency(options),
  query: async (options) => (await import('./query.ts')).benchQuery(options),
  replay: async () => (await import('./replay.ts')).benchReplay(),
  storage: async () => (await import('./storage.ts')).benchStorage(),
  wire: async (options) => (await import('./wire.ts')).benchWire(options),
};

const USAGE = `usage: npm run bench -- NAME [--json] [--seconds N] [--connections N] [--compare], or --list. Benches: ${Object.keys(BENCHES).join(', ')}`;

process.exitCode = await main();

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.list) {
    for (const name of Object.keys(BENCHES)) console.log(name);
    return 0;
  }
  const [name, ...rest] = positionals;
  const bench = name === undefined ? undefined : BENCHES[name];
  if (bench === undefined || rest.length > 0) {
    console.error(`${positionals.length === 1 ? `there is no bench '${name}'` : 'name one bench'}\n${USAGE}`);
    return 2;
  }
  const options: { -readonly [K in keyof BenchOptions]: BenchOptions[K] } = { compare: values.compare };
  for (const option of ['seconds', 'connections'] as const) {
    if (values[option] === undefined) continue;
    options[option] = Number(values[option]);
    if (options[option] > 0) continue;
    console.error(`--${option} is '${values[option]}'; it must be more than 0\n${USAGE}`);
    return 2;
  }
  const rows = await bench(options);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  if (values.json) console.log(JSON.stringify({ bench: name, ...machine, rows }));
  else console.log(`${name}: Node ${machine.node}, ${machine.cores} x ${machine.cpu}\n${table(rows)}`);
  return 0;
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
    },
  });
}

/** What is the same in every row, and every text, stands above the table once: the figures fit a screen then. */
function table(rows: readonly BenchRow[]): string {
  const figures = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((figure) => figure !== 'name');
  const values = (figure: string) => [...new Set(rows.map((row) => row[figure]))];
  const isNote = (figure: string) =>
    values(figure).length === 1 || values(figure).some((value) => typeof value === 'string');
  const notes = figures
    .filter(isNote)
    .flatMap((figure) => values(figure).map((value) => `${figure}: ${cell(value)}`));

  const columns = ['name', ...figures.filter((figure) => !isNote(figure))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const align = (text: string, at: number) =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return [...notes, '', ...lines.map((line) => line.map(align).join('  '))].join('\n');
}

function cell(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? '';
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 3 : 0 });
}
