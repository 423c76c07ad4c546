// @long
// The cloud's power is cut at any moment, and its disk loses what was not synced: what was acknowledged is there.
// @time-limit 180 s
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch, type Reading } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { needs } from '../runner/debian.ts';
import { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { contentsOf, DiskModel } from './power-cut.ts';
import { type CallEvent, SystemCalls } from './system-calls.ts';

const test = suite('power cut of the cloud');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
/** Enough bytes that the log is taken over into the database, and begun anew, more than once. */
const messages = 120;
const readingsOfMessage = 1200;
/** Moments at which the power is cut, spread over the run, and lots drawn at each. */
const moments = 40;
const lots = 2;

/** A run of the cloud, one message at a time: what it did to its disk, and when it answered. */
interface Traced {
  readonly folder: string;
  readonly before: ReadonlyMap<string, Buffer>;
  readonly events: readonly CallEvent[];
  readonly clientPort: number;
}

function batches(): () => Buffer {
  const header = {
    epoch: randomBytes(16).toString('hex'),
    parent: undefined,
    boot: randomBytes(16).toString('hex'),
    oldest: 0,
    dropped: [],
  };
  let message = 0;
  return () => {
    // Noise does not compress, so a message is as long as it looks.
    const noise = new Int32Array(randomBytes(4 * readingsOfMessage).buffer);
    const readings = Array.from(
      { length: readingsOfMessage },
      (_, index): Reading => ({
        kind: 'reading',
        port: 'none',
        base: 1,
        tag: 1,
        aspect: 'heard',
        calibration: undefined,
        monotonic: message,
        value: { type: 'int32', value: noise[index] as number },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      }),
    );
    message++;
    return Buffer.from(encodeBatch({ ...header, first: (message - 1) * readingsOfMessage }, readings));
  };
}

/** Publishes one message after the other to a cloud that strace watches. A text is why it could not. */
async function trace(folder: string, program?: URL): Promise<Traced | string> {
  const state = join(folder, 'cloud');
  const cloud = await CloudProcess.start({ state, ...(program && { program }) });
  try {
    const client = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, 'one-at-a-time'));
    try {
      const next = batches();
      const topic = gatewayTopic('one-at-a-time', 'telemetry');
      await client.publishAsync(topic, next(), { qos: 1 });
      const calls = await SystemCalls.of(cloud.service.pid, join(folder, 'trace'), 'all');
      if (typeof calls === 'string') return calls;
      const real = await realpath(state);
      const before = contentsOf(['loadline.db', 'loadline.db-wal'].map((name) => join(real, name)));
      for (let message = 1; message < messages; message++) {
        await client.publishAsync(topic, next(), { qos: 1 });
      }
      const clientPort = (client.stream as unknown as Socket).localPort ?? 0;
      return { folder, before, events: await calls.end(), clientPort };
    } finally {
      client.end(true);
    }
  } finally {
    await cloud.service.stop();
  }
}

/** Cuts the power at many moments; how many of the messages acknowledged until then are missing, at the worst. */
function worstLoss({ folder, before, events, clientPort }: Traced): { missing: number; answered: number } {
  const random = new SeededRandom(seed);
  const disk = new DiskModel(before);
  const after = join(folder, 'after');
  mkdirSync(after);
  copyFileSync(join(folder, 'cloud/database.key'), join(after, 'database.key'));
  const every = Math.floor(events.length / moments);
  // The first was answered before the trace began.
  let answered = 1;
  let missing = 0;
  events.forEach((event, index) => {
    const answers = event.kind === 'begins' && /^(write|send)/.test(event.call);
    if (answers && event.target.includes(`->127.0.0.1:${clientPort}]`)) answered++;
    disk.take(event);
    if (index % every !== 0) return;
    for (let lot = 0; lot < lots; lot++) {
      disk.cut(after, random);
      // The log's index is memory, shared through a file: a power cut leaves none.
      rmSync(join(after, 'loadline.db-shm'), { force: true });
      missing = Math.max(missing, answered - storedIn(after));
    }
  });
  return { missing, answered };
}

/** Messages in the database that a cut left; none where it does not even open. */
function storedIn(folder: string): number {
  try {
    let stored = 0;
    for (const _ of readReadings(folder)) stored++;
    return stored / readingsOfMessage;
  } catch {
    return 0;
  }
}

const strace = await needs('strace');
const why = strace === true ? undefined : strace;

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-power-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const [name, program, check] of [
  [
    'whatever the disk loses, every message that was acknowledged is in the database',
    undefined,
    (missing: number) => assert.is(missing, 0),
  ],
  [
    'the control: of a cloud that does not sync, the same cuts take messages that were acknowledged',
    new URL('./cloud-without-sync.ts', import.meta.url),
    (missing: number) => assert.ok(missing > 0),
  ],
] as const) {
  (why === undefined ? test : test.skip)(name, () =>
    inFolder(async (folder) => {
      const traced = await trace(folder, program);
      if (typeof traced === 'string') {
        console.log(`skipped: ${name}: ${traced}`);
        return;
      }
      const { missing, answered } = worstLoss(traced);
      assert.is(answered, messages);
      check(missing);
    }),
  );
}
if (why !== undefined) console.log(`skipped: power cut of the cloud: ${why}`);

test.run();
