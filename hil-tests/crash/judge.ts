import type { ArchivedReading } from '@loadline/cloud';
import type { NumberRange } from '@loadline/sdk/telemetry';

/** Frames written to the gateway's port in one go; their values are their numbers. */
export interface SentFrames {
  readonly first: number;
  readonly count: number;
  /** When the kernel was offered the first byte, and when it had taken the last: milliseconds. */
  readonly begunAt: number;
  readonly takenAt: number;
}

/** One life of the gateway. */
export interface GatewayLife {
  /** Undefined where it was killed before it had one. */
  readonly epoch: string | undefined;
  /** When its port was known to be open; undefined where it never was. */
  readonly openAt: number | undefined;
  /** When it was killed; infinity for the one that ended in order. */
  readonly endedAt: number;
  /** The most, over its progress lines, of the readings it had numbered less all that its journal held. */
  readonly settled: number;
}

/** What a client that is nothing but one knows of itself. */
export interface ClientEvidence {
  readonly door: string;
  readonly device: string;
  /** Numbers of the readings that were acknowledged to it, and the last number it sent. */
  readonly acknowledged: readonly number[];
  readonly last: number;
}

/** What the load knows of itself. */
export interface Evidence {
  readonly gateway: string;
  readonly sent: readonly SentFrames[];
  /** In their order. */
  readonly lives: readonly GatewayLife[];
  /** What the gateway declared dropped, by the cloud's ledger: some of it comes in batches of nothing else. */
  readonly declared: readonly ({ readonly epoch: string } & NumberRange)[];
  /** Milliseconds after which a reading that was heard must outlive a kill: the flush time and the timer's margin. */
  readonly safeAfterMs: number;
  /** Clients without a gateway's runtime, one at each door. */
  readonly clients: readonly ClientEvidence[];
}

export interface Verdict {
  /** Readings known to be acknowledged: the client's exactly, the gateway's at least. */
  readonly acked: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Numbers that the gateway declared dropped, and that did not arrive after all. */
  readonly declaredDropped: number;
  /** Heard by the gateway too shortly before its kill to be on disk, and not stored. */
  readonly unflushed: number;
  /** The age of the oldest of these at the kill, milliseconds. */
  readonly oldestUnflushedMs: number;
  /** Sent while no gateway listened, and not stored. */
  readonly unheard: number;
  /** Stored, and never sent. */
  readonly foreign: number;
  readonly ackedByClient: number;
  /** The same by the door it came in by. */
  readonly ackedByDoor: Readonly<Record<string, number>>;
  readonly storedOfClient: number;
  readonly ackedByGateway: number;
  readonly storedOfGateway: number;
}

/** Where a reading stands among all of its gateway's: the epoch's place in their order, and its number there. */
interface Place {
  readonly epoch: number;
  readonly number: number;
}

/** What the cloud has of one gateway. */
interface CloudRecord {
  /** How often each value is stored. */
  readonly times: Map<number, number>;
  /** Where each value stands that is stored. */
  readonly places: Map<number, Place>;
  /** Readings stored of each epoch. */
  readonly stored: Map<number, number>;
  /** Numbers declared dropped of each epoch. */
  readonly dropped: Map<number, Set<number>>;
}

/** Holds what was sent and acknowledged against what the cloud has committed. */
export function judge(readings: Iterable<ArchivedReading>, evidence: Evidence): Verdict {
  const order = new Map<string, number>();
  for (const { epoch } of evidence.lives) if (epoch !== undefined) order.set(epoch, order.size);
  const gateway = emptyRecord();
  const clients = evidence.clients.map((client) => ({ ...client, record: emptyRecord() }));
  for (const reading of readings) {
    if (reading.device === evidence.gateway) take(gateway, reading, order);
    for (const { device, record } of clients) if (reading.device === device) take(record, reading, order);
  }
  for (const { epoch, first, last } of evidence.declared)
    drop(gateway, order.get(epoch) ?? order.size, { first, last });
  const ofGateway = judgeGateway(gateway, evidence, order);
  const sumOf = (count: (client: (typeof clients)[number]) => number) =>
    clients.reduce((sum, client) => sum + count(client), 0);
  const ackedByClient = sumOf(({ acknowledged }) => acknowledged.length);
  return {
    acked: ackedByClient + ofGateway.acked,
    lost:
      ofGateway.lost +
      sumOf(({ acknowledged, record }) => acknowledged.filter((number) => !record.times.has(number)).length),
    duplicated: duplicates(gateway) + sumOf(({ record }) => duplicates(record)),
    declaredDropped: [...gateway.dropped.values()].reduce((sum, { size }) => sum + size, 0),
    unflushed: ofGateway.unflushed,
    oldestUnflushedMs: Math.round(ofGateway.oldestUnflushedMs),
    unheard: ofGateway.unheard,
    foreign: foreign(gateway, 0, lastSent(evidence)) + sumOf(({ record, last }) => foreign(record, 1, last)),
    ackedByClient,
    ackedByDoor: Object.fromEntries(clients.map(({ door, acknowledged }) => [door, acknowledged.length])),
    storedOfClient: sumOf(({ record }) => record.times.size),
    ackedByGateway: ofGateway.acked,
    storedOfGateway: gateway.times.size,
  };
}

function lastSent({ sent }: Evidence): number {
  const last = sent.at(-1);
  return last === undefined ? -1 : last.first + last.count - 1;
}

function emptyRecord(): CloudRecord {
  return { times: new Map(), places: new Map(), stored: new Map(), dropped: new Map() };
}

function take(
  record: CloudRecord,
  { epoch: name, number, reading }: ArchivedReading,
  order: Map<string, number>,
): void {
  // One that the gateway's log did not name comes last: whatever is in it was never sent.
  const epoch = order.get(name) ?? order.size;
  const value =
    'value' in reading.value && typeof reading.value.value === 'number' ? reading.value.value : Number.NaN;
  record.times.set(value, (record.times.get(value) ?? 0) + 1);
  record.places.set(value, { epoch, number });
  record.stored.set(epoch, (record.stored.get(epoch) ?? 0) + 1);
}

function drop(record: CloudRecord, epoch: number, { first, last }: NumberRange): void {
  const dropped = record.dropped.get(epoch) ?? new Set();
  record.dropped.set(epoch, dropped);
  for (let number = first; number <= last; number++) dropped.add(number);
}

function duplicates({ times }: CloudRecord): number {
  let more = 0;
  for (const count of times.values()) more += count - 1;
  return more;
}

function foreign({ times }: CloudRecord, first: number, last: number): number {
  return [...times.keys()].filter((value) => !(value >= first && value <= last)).length;
}

interface GatewayVerdict {
  acked: number;
  lost: number;
  unflushed: number;
  oldestUnflushedMs: number;
  unheard: number;
}

/** Readings heard in one life, one after another, of which none is stored. */
interface Missing {
  /** How many of them were old enough to outlive the kill. */
  safe: number;
  /** The age of each of the others, the oldest first. */
  readonly youngMs: number[];
}

function judgeGateway(
  record: CloudRecord,
  evidence: Evidence,
  order: ReadonlyMap<string, number>,
): GatewayVerdict {
  const verdict: GatewayVerdict = { acked: 0, lost: 0, unflushed: 0, oldestUnflushedMs: 0, unheard: 0 };
  const dropped = new Map(
    [...record.dropped].map(([epoch, numbers]) => [epoch, [...numbers].sort((a, b) => a - b)]),
  );
  const missing = new Map<GatewayLife, Missing>();
  const lost = new Map<GatewayLife, number>();
  let before: Place | undefined;
  const close = (after: Place | undefined) => {
    for (const [life, { safe, youngMs }] of missing) {
      const { epoch } = life;
      const place = epoch === undefined ? undefined : order.get(epoch);
      const declared = place === undefined ? 0 : countBetween(dropped.get(place) ?? [], place, before, after);
      lost.set(life, (lost.get(life) ?? 0) + Math.max(0, safe - declared));
      // The oldest are dropped first.
      const unflushed = youngMs.slice(Math.max(0, declared - safe));
      verdict.unflushed += unflushed.length;
      verdict.oldestUnflushedMs = Math.max(verdict.oldestUnflushedMs, unflushed[0] ?? 0);
    }
    missing.clear();
    before = after;
  };
  for (const frames of evidence.sent) {
    const { life, ageMs } = hearing(frames, evidence.lives);
    for (let value = frames.first; value < frames.first + frames.count; value++) {
      const place = record.places.get(value);
      if (place !== undefined) close(place);
      else if (life === undefined) verdict.unheard++;
      else {
        const group = missing.get(life) ?? { safe: 0, youngMs: [] };
        missing.set(life, group);
        if (ageMs >= evidence.safeAfterMs) group.safe++;
        else group.youngMs.push(ageMs);
      }
    }
  }
  close(undefined);
  for (const life of evidence.lives) {
    const place = life.epoch === undefined ? undefined : order.get(life.epoch);
    const acked =
      place === undefined ? 0 : Math.max(0, life.settled - (record.dropped.get(place)?.size ?? 0));
    const stored = place === undefined ? 0 : (record.stored.get(place) ?? 0);
    verdict.acked += acked;
    // What was acknowledged at once was never to be on disk: of each life, so much must be there. It may be missed twice.
    verdict.lost += Math.max(lost.get(life) ?? 0, acked - stored);
  }
  return verdict;
}

/** In which life these frames were heard, and how long before its end. What is in doubt was not. */
function hearing(
  { begunAt, takenAt }: SentFrames,
  lives: readonly GatewayLife[],
): { life: GatewayLife | undefined; ageMs: number } {
  const life = lives.find(({ endedAt }) => begunAt <= endedAt);
  const isHeard = life?.openAt !== undefined && begunAt >= life.openAt && takenAt <= life.endedAt;
  return isHeard ? { life, ageMs: life.endedAt - takenAt } : { life: undefined, ageMs: 0 };
}

/** How many of an epoch's numbers lie between two places; undefined is before all, or behind all. */
function countBetween(
  numbers: readonly number[],
  epoch: number,
  before: Place | undefined,
  after: Place | undefined,
): number {
  const isBehind = (a: Place, b: Place) => a.epoch > b.epoch || (a.epoch === b.epoch && a.number > b.number);
  return numbers.filter((number) => {
    const place = { epoch, number };
    return (
      (before === undefined || isBehind(place, before)) && (after === undefined || isBehind(after, place))
    );
  }).length;
}
