import { statSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { until } from '../rig/index.ts';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import type { ComparedRow, Comparison } from './bench.ts';
import { cpuSecondsOf, median, rounded } from './figures.ts';
import { makeFleet } from './fleet.ts';
import { load, loadCloud } from './load.ts';
import { type Shape, shapes } from './load-gateway.ts';
import { Stack, stackMissing } from './stack.ts';

const clients = 100;
const inFlight = 20;
const runSeconds = 1;
/** Milliseconds that the subscriber may take to commit what mosquitto has acknowledged. */
const drainMs = 300_000;

const watched = {
  committedReadingsPerSecond: 'more',
  committedReadingsPerCpuSecond: 'more',
  bytesStoredAReading: 'less',
  acknowledgedUncommitted: 'less',
} as const;

/** What both are asked. */
type Row = ComparedRow & Record<keyof typeof watched, number>;

/**
 * The shipped cloud beside what a user would put together instead, on the same machine and under the same load: a
 * hundred clients with certificates, twenty messages in flight each. Says so and leaves the stack out where its packages
 * cannot be had.
 *
 * @throws Error where what was acknowledged is not stored
 */
export async function compareIngest(): Promise<Comparison> {
  const missing = await stackMissing();
  if (missing !== undefined) say(`left out: mosquitto + PostgreSQL: ${missing}`);
  const folder = await mkdtemp(join(tmpdir(), 'loadline-compare-'));
  try {
    const fleet = join(folder, 'fleet');
    const identities = await makeFleet(join(fleet, 'cloud'), clients);
    const rows: Row[] = [];
    const add = (row: Row) => {
      rows.push(row);
      say(`${row.by}, ${row.name}: ${row.committedReadingsPerSecond} readings/s committed`);
    };
    for (const shape of shapes) {
      const copy = join(folder, 'copy');
      await cp(fleet, copy, { recursive: true });
      add(await ours(join(copy, 'cloud'), identities, shape));
      await rm(copy, { recursive: true });
      if (missing !== undefined) continue;
      // A socket's path is short: not below the folder of all.
      const stack = await mkdtemp(join(tmpdir(), 'stack-'));
      try {
        add(await theirs(stack, identities, shape));
      } finally {
        await rm(stack, { recursive: true });
      }
    }
    return {
      watched,
      rows,
      missing: missing === undefined ? [] : [`mosquitto + PostgreSQL: ${missing}`],
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ours(state: string, identities: readonly GatewayIdentity[], shape: Shape): Promise<Row> {
  const size = () => statSync(join(state, 'loadline.db')).size;
  const before = size();
  const { runs, acknowledged } = await loadCloud(state, identities, {
    ...{ shape, runSeconds },
    windows: [inFlight],
    runs: 3,
  });
  const perMessage = shape.series * shape.readings;
  return {
    ...named('Loadline', shape),
    ...paces(
      median(runs.map(({ messages, wallSeconds }) => messages / wallSeconds)),
      median(runs.map(({ messages, cpuSeconds }) => messages / cpuSeconds)),
      perMessage,
    ),
    bytesStoredAReading: rounded((size() - before) / (acknowledged * perMessage), 2),
    acknowledgedUncommitted: 0,
  };
}

async function theirs(folder: string, gateways: readonly GatewayIdentity[], shape: Shape): Promise<Row> {
  const stack = await Stack.start(
    folder,
    gateways.map(({ id }) => id),
  );
  try {
    const { port, identities, pids } = stack;
    const perMessage = shape.series * shape.readings;
    const cpu = () => pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
    const before = cpu();
    const order = { port, pids, identities, shape, form: 'json', windows: [inFlight], runSeconds } as const;
    // One run is enough, and for the database much: what counts is the time to the last commit.
    const { acknowledged } = await load({ ...order, runs: 0 });
    const { messages } = await stack.committed();
    const done = await until(
      async () => {
        const state = await stack.committed();
        if (state.messages >= acknowledged) return state;
        await elapsed(20);
        return undefined;
      },
      { limitMs: drainMs, what: `the commit of ${acknowledged} messages that mosquitto has acknowledged` },
    );
    const cpuSeconds = cpu() - before;
    const { rows, bytes } = await stack.stored();
    if (rows !== acknowledged * perMessage) {
      throw new Error(`${acknowledged * perMessage} readings were acknowledged, and ${rows} are stored`);
    }
    return {
      ...named('mosquitto + PostgreSQL', shape),
      ...paces((acknowledged * 1000) / (done.lastAt - done.firstAt), acknowledged / cpuSeconds, perMessage),
      bytesStoredAReading: rounded(bytes / rows, 2),
      acknowledgedUncommitted: acknowledged - messages,
    };
  } finally {
    await stack.stop();
  }
}

function named(by: string, { series, readings }: Shape) {
  return {
    name: `${series} x ${readings}`,
    by,
    dataSet:
      `${clients} clients with certificates, ${inFlight} messages in flight each, series x readings a message, the same readings; ` +
      'Loadline: batches, CPU of the cloud, its PUBACK comes after the commit; mosquitto + PostgreSQL: JSON, one object a ' +
      'reading, a subscriber that COPYs what has come, fsync on, table with an index by sensor and time, CPU of all three, ' +
      'from the first message to the last commit; mosquitto acknowledges before anything is stored',
  };
}

function paces(messages: number, messagesPerCpu: number, perMessage: number) {
  return {
    committedReadingsPerSecond: rounded(messages * perMessage),
    committedReadingsPerCpuSecond: rounded(messagesPerCpu * perMessage),
  };
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
