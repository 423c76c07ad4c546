// @long
// The gateway's power is cut at any moment, and its disk loses what was not synced: what was heard in time is there.
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { type ArchivedDelivery, readDeliveries, readReadings } from '@loadline/cloud';
import { DiskJournal, type Run } from '@loadline/device-runtime';
import { type Entry, entriesOf, type NumberRange } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Frames } from '../crash/frames.ts';
import type { SentFrames } from '../crash/judge.ts';
import { type FaultProxy, noFaults, until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { needs } from '../runner/debian.ts';
import { DiskModel, type Syncs } from './power-cut.ts';
import { Site } from './site.ts';
import { type CallEvent, readTrace, tracedFromStart } from './system-calls.ts';

const test = suite('power cut of the gateway');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const flushSeconds = 0.25;
/** After the flush time, for timers, the disk, and all that strace slows down. */
const marginMs = 1000;
/** So little that there are many segments, and a flood drops the oldest of them. */
const journalBytes = 64 * 1024;
/** Moments at which the power is cut, spread over what was done to the folder, and lots drawn at each. */
const moments = 100;
const lots = 2;

/** A life of the gateway without the cloud, with it, and without it again. */
interface Life {
  readonly folder: string;
  readonly journal: string;
  readonly events: readonly CallEvent[];
  /** What it heard; times in milliseconds since 1970. */
  readonly heard: readonly SentFrames[];
  /** When the cloud had each value; and what stands under each epoch and number, once all had drained. */
  readonly storedAt: ReadonlyMap<number, number>;
  readonly entries: ReadonlyMap<string, number | undefined>;
  readonly deliveries: readonly ArchivedDelivery[];
}

/** What the worst of the cuts cost, and all of them together had wrong. */
interface Worst {
  readonly lost: number;
  readonly mistaken: number;
  /** Cuts after which the journal had readings. */
  readonly useful: number;
}

const keyOf = (epoch: string, number: number) => `${epoch}:${number}`;

function valueIn(entry: Entry): number | undefined {
  return entry.kind === 'reading' && entry.value.type === 'int32' ? entry.value.value : undefined;
}

async function live(site: Site): Promise<Life> {
  const proxy = site.proxy as FaultProxy;
  const trace = join(site.folder, 'trace');
  const offset = Date.now() - performance.now();
  const away = async () => {
    await proxy.set({ newConnections: 'refuse' });
    proxy.reset();
  };
  await away();
  site.startGateway(tracedFromStart(trace));
  const { pid } = site.gateway;
  await site.gateway.line('port-open');
  const openAt = performance.now();
  const frames = new Frames(site.port);
  frames.start(200);
  await elapsed(1000);
  frames.flood(2000);
  await elapsed(1500);
  await proxy.set({ newConnections: 'accept', latencyMs: 50 });
  await site.gateway.line('uplink-connected');
  await elapsed(700);
  await away();
  await elapsed(1000);
  frames.flood(11_000);
  await elapsed(1800);
  await frames.stop();
  await site.gateway.stop('SIGKILL');
  // As they came, before they are merged: what they declare dropped stands in them alone.
  const came = new Map<number, ArchivedDelivery>();
  const look = () => {
    for (const delivery of readDeliveries(join(site.folder, 'cloud'))) came.set(delivery.id, delivery);
  };
  look();
  const looking = setInterval(look, 500);
  const events = await readTrace(pid, trace);

  await proxy.set(noFaults);
  site.startGateway();
  await until(async () => (await site.run())?.health?.journal.held === 0, {
    limitMs: 30_000,
    what: 'all of it has drained',
  });
  await site.gateway.stop();
  clearInterval(looking);
  look();
  await site.cloud.service.stop();
  const deliveries = [...came.values()];
  const storedAt = new Map<number, number>();
  const entries = new Map<string, number | undefined>();
  for (const { batch, writtenMs } of deliveries) {
    entriesOf(batch).forEach((entry, index) => {
      const value = valueIn(entry);
      entries.set(keyOf(batch.epoch, batch.first + index), value);
      if (value !== undefined && !storedAt.has(value)) storedAt.set(value, writtenMs);
    });
  }
  const stored = [...readReadings(join(site.folder, 'cloud'))].length;
  assert.is(storedAt.size, stored, 'every delivery was looked at before it was merged');
  const heard = frames.sent
    .filter(({ begunAt }) => begunAt >= openAt)
    .map((each) => ({ ...each, begunAt: each.begunAt + offset, takenAt: each.takenAt + offset }));
  const journal = realpathSync(join(site.folder, 'gateway/state/journal'));
  return { folder: site.folder, journal, events, heard, storedAt, entries, deliveries };
}

/** What the next start makes of a folder: every run it would send, and what it would declare without one. */
async function remainsIn(folder: string): Promise<{ epoch: string; runs: Run[] }> {
  const journal = await DiskJournal.open({
    folder,
    boot: 'b0'.repeat(16),
    maxBytes: journalBytes * 2,
    flushMilliseconds: 3_600_000,
    now: Date.now,
    monotonic: () => performance.now(),
    onEvent: () => {},
  });
  const runs: Run[] = [];
  for (let first = 0; ; ) {
    const run = journal.cut({ first, last: Number.MAX_SAFE_INTEGER }, 1e9, 10_000);
    if (run === undefined) break;
    runs.push(run);
    first = run.position + run.entries.length;
  }
  for (let run = journal.declaration(); run !== undefined; run = journal.declaration()) {
    runs.push(run);
    journal.acknowledge(run);
  }
  await journal.close();
  return { epoch: journal.epoch, runs };
}

/** Cuts the power at many moments, and says what the worst of them cost. */
async function worst(life: Life, syncs: Syncs): Promise<Worst> {
  const random = new SeededRandom(seed);
  const disk = new DiskModel(new Map(), { folder: life.journal, syncs });
  const after = join(life.folder, 'after');
  const touches = ({ target }: CallEvent) => target.startsWith(life.journal);
  const every = Math.max(1, Math.floor(life.events.filter(touches).length / moments));
  let touched = 0;
  let [lost, mistaken, useful] = [0, 0, 0];
  for (const event of life.events) {
    disk.take(event);
    if (!touches(event) || ++touched % every !== 0) continue;
    for (let lot = 0; lot < lots; lot++) {
      mkdirSync(after);
      disk.cut(after, random);
      const found = await remainsIn(after);
      rmSync(after, { recursive: true });
      const verdict = judge(life, event.at, found);
      lost = Math.max(lost, verdict.lost);
      // A control has shown enough.
      if (syncs === 'ignored' && lost > 0) return { lost, mistaken, useful };
      mistaken += verdict.mistaken;
      if (verdict.kept > 0) useful++;
    }
  }
  return { lost, mistaken, useful };
}

function judge(life: Life, at: number, { epoch, runs }: { epoch: string; runs: readonly Run[] }) {
  const kept = new Set<number>();
  const dropped = new Set<string>();
  const declare = (of: string, ranges: readonly NumberRange[]) => {
    for (const { first, last } of ranges) {
      for (let number = first; number <= last; number++) dropped.add(keyOf(of, number));
    }
  };
  // No number twice, none with something else under it than the cloud has, and no epoch that there was.
  let mistaken = life.deliveries.some(({ batch }) => batch.epoch === epoch) ? 1 : 0;
  const seen = new Set<string>();
  for (const { header, entries } of runs) {
    declare(header.epoch, header.dropped);
    entries.forEach((entry, index) => {
      const key = keyOf(header.epoch, header.first + index);
      const value = valueIn(entry);
      if (seen.has(key) || (life.entries.has(key) && life.entries.get(key) !== value)) mistaken++;
      seen.add(key);
      if (value !== undefined) kept.add(value);
    });
  }
  for (const { batch, writtenMs } of life.deliveries) {
    if (writtenMs <= at) declare(batch.epoch, batch.dropped);
  }
  let missing = 0;
  for (const { first, count, takenAt } of life.heard) {
    if (takenAt > at - flushSeconds * 1000 - marginMs) continue;
    for (let value = first; value < first + count; value++) {
      const isStored = (life.storedAt.get(value) ?? Number.POSITIVE_INFINITY) <= at;
      if (!isStored && !kept.has(value)) missing++;
    }
  }
  return { lost: Math.max(0, missing - dropped.size), mistaken, kept: kept.size };
}

const strace = await needs('strace');
const why = strace === true ? undefined : strace;
const when = why === undefined ? test : test.skip;

let site: Site | undefined;
let life: Life;

test.before(async () => {
  if (why !== undefined) return;
  site = await Site.prepare({
    link: 'proxied',
    sections: { journal: { max_bytes: journalBytes, flush_seconds: flushSeconds } },
  });
  life = await live(site);
});

test.after(() => site?.close());

when(
  'whatever the disk loses, what was heard in time is there or in the cloud, and no number is used twice',
  async () => {
    const { lost, mistaken, useful } = await worst(life, 'honoured');
    assert.equal([lost, mistaken], [0, 0]);
    assert.ok(useful > moments, `${useful} cuts left readings in the journal`);
  },
);

when('the folder itself lasts before there is anything in it', () => {
  const inside = life.events.findIndex(({ target }) => dirname(target) === life.journal);
  const made = life.events.findIndex(({ call, target }) => /^mkdir/.test(call) && target === life.journal);
  const synced = ({ kind, call, target }: CallEvent) =>
    kind === 'returns' && call === 'fsync' && target === dirname(life.journal);
  assert.ok(made >= 0 && inside > made);
  assert.ok(life.events.slice(made, inside).some(synced));
});

when(
  'the control: of a disk that syncs nothing, the same cuts take readings that were heard in time',
  async () => {
    const { lost } = await worst(life, 'ignored');
    assert.ok(lost > 0);
  },
);

if (why !== undefined) console.log(`skipped: power cut of the gateway: ${why}`);

test.run();
