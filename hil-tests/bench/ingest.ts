import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchRow } from './bench.ts';
import { median, rounded } from './figures.ts';
import { makeFleet } from './fleet.ts';
import type { LoadRun } from './ingest-load.ts';
import { loadCloud } from './load.ts';
import { type Shape, shapes } from './load-gateway.ts';
import { measureSync } from './machine.ts';

const clientCounts = [1, 10, 100] as const;
const windows = [1, 20] as const;
/** Odd, so that the median is one of them. */
const measuredRuns = 3;
const runSeconds = 1;

/** One case; figures are medians over its runs, each of them of one moment to another in full load. */
interface IngestRow extends BenchRow {
  readonly clients: number;
  readonly series: number;
  readonly readings: number;
  readonly inFlight: number;
  readonly runs: number;
  readonly wallSeconds: number;
  /** User and system time of the cloud's process, all its threads, from /proc/PID/stat. */
  readonly cloudCpuSeconds: number;
  /** Of that, µs a message: of the thread with doors and router, and of the writer's. The rest is mostly garbage collection. */
  readonly mainCpuMicrosecondsPerMessage: number;
  readonly writerCpuMicrosecondsPerMessage: number;
  readonly residentMiB: number;
  readonly messagesPerSecond: number;
  readonly readingsPerSecond: number;
  readonly messagesPerCpuSecond: number;
  readonly readingsPerCpuSecond: number;
  /** Median of a write of 4 KiB and its fdatasync, in the folder of the state. */
  readonly fsyncMilliseconds: number;
}

export const ingestBench: Bench = {
  watched: {
    messagesPerSecond: 'more',
    messagesPerCpuSecond: 'more',
    readingsPerCpuSecond: 'more',
    mainCpuMicrosecondsPerMessage: 'less',
    writerCpuMicrosecondsPerMessage: 'less',
    residentMiB: 'less',
  },
  run: benchIngest,
  compare: async () => (await import('./ingest-peers.ts')).compareIngest(),
};

/**
 * What the shipped cloud takes in: QoS 1 messages and the readings in them, counted at their PUBACK, so after the
 * commit; over TLS with client certificates, the cloud and the load in processes of their own. Every case starts on
 * an empty store. Takes some four minutes.
 *
 * @throws Error if the cloud's ledger is not what was acknowledged: such a figure would mean nothing
 */
async function benchIngest(): Promise<readonly BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-ingest-'));
  try {
    say(`writing ${Math.max(...clientCounts)} gateways`);
    const fleet = join(folder, 'fleet');
    const identities = await makeFleet(join(fleet, 'cloud'), Math.max(...clientCounts));
    const fsyncMilliseconds = measureSync(join(folder, 'sync'));
    const rows: IngestRow[] = [];
    for (const shape of shapes) {
      for (const clients of clientCounts) {
        // With what lies beside a state folder: its login.
        const copy = join(folder, 'copy');
        await cp(fleet, copy, { recursive: true });
        const { runs } = await loadCloud(join(copy, 'cloud'), identities.slice(0, clients), {
          ...{ shape, windows, runSeconds },
          runs: measuredRuns,
        });
        await rm(copy, { recursive: true });
        for (const inFlight of windows) {
          const row = rowOf(
            clients,
            shape,
            inFlight,
            runs.filter((run) => run.inFlight === inFlight),
            fsyncMilliseconds,
          );
          rows.push(row);
          say(`${row.name}: ${row.messagesPerSecond} messages/s, ${row.messagesPerCpuSecond} a CPU-second`);
        }
      }
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function rowOf(
  clients: number,
  { series, readings }: Shape,
  inFlight: number,
  runs: readonly LoadRun[],
  fsyncMilliseconds: number,
): IngestRow {
  const perMessage = series * readings;
  const pace = median(runs.map(({ messages, wallSeconds }) => messages / wallSeconds));
  const cpuPace = median(runs.map(({ messages, cpuSeconds }) => messages / cpuSeconds));
  return {
    name: `${clients} x ${inFlight} in flight, ${series} x ${readings}`,
    dataSet:
      'clients x messages in flight of each, series x readings of a message; float32, a slow wave with noise, ' +
      'radio quality, every 10 ms; no number twice; mTLS, load in a process of its own on the same machine',
    clients,
    series,
    readings,
    inFlight,
    runs: runs.length,
    wallSeconds: median(runs.map(({ wallSeconds }) => wallSeconds)),
    cloudCpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
    mainCpuMicrosecondsPerMessage: perMessageOf(runs, ({ mainSeconds }) => mainSeconds),
    writerCpuMicrosecondsPerMessage: perMessageOf(runs, ({ writerSeconds }) => writerSeconds),
    residentMiB: Math.round(median(runs.map(({ residentMiB }) => residentMiB))),
    messagesPerSecond: Math.round(pace),
    readingsPerSecond: Math.round(pace * perMessage),
    messagesPerCpuSecond: Math.round(cpuPace),
    readingsPerCpuSecond: Math.round(cpuPace * perMessage),
    fsyncMilliseconds,
  };
}

/** Median, in microseconds. */
function perMessageOf(runs: readonly LoadRun[], seconds: (run: LoadRun) => number): number {
  return rounded(median(runs.map((run) => (seconds(run) * 1e6) / run.messages)), 1);
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
