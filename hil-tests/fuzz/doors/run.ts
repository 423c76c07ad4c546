import { residentOf } from '../../bench/figures.ts';
import { SeededRandom } from '../../rig/random.ts';
import type { CloudProcess } from '../../system/index.ts';
import type { FuzzOptions, FuzzRun } from '../targets.ts';
import { type Attack, type HostileDoor, moment, type Scene } from './attack.ts';

/** What a run found. Memory in MiB, times in milliseconds. */
export interface DoorFuzzRun extends FuzzRun {
  /** How often each was carried out. */
  readonly attacks: Readonly<Record<string, number>>;
  /** What the cloud said to them, by name. */
  readonly answers: Readonly<Record<string, number>>;
  /** The client in order: what it delivered, and how long its acknowledgements took. */
  readonly good: {
    readonly delivered: number;
    readonly p50: number;
    readonly p99: number;
    readonly most: number;
  };
  readonly memory: { readonly before: number; readonly most: number; readonly after: number };
  /** Deliveries of devices whose credentials were used for attacks. */
  readonly ledgers: Readonly<Record<string, object>>;
}

/** Attacks under way at a time. */
const lanes = 8;
/** Milliseconds from one delivery of the client in order to the next. */
const goodEvery = 50;
/** Milliseconds in which what is under way ends, and memory falls. */
const settleMs = 3000;
/** Bytes that one attack counts for at least: a flood of connects sends none. */
const leastBytes = 64;

/** Sends so many hostile bytes to a door, drawn by `seed`, while a client in order goes on delivering through it. */
export async function fuzzDoor(
  cloud: CloudProcess,
  door: HostileDoor,
  { bytes, seed, say = () => {} }: FuzzOptions,
): Promise<DoorFuzzRun> {
  const { pid } = cloud.service;
  const faults: string[] = [];
  const counts = { attacks: {} as Record<string, number>, answers: {} as Record<string, number> };
  const memory = { before: residentOf(pid), most: 0, after: 0 };
  const watch = setInterval(() => {
    if (cloud.service.end === undefined) memory.most = Math.max(memory.most, residentOf(pid));
  }, 50);
  const began = performance.now();
  const ending = new AbortController();
  const delivering = deliverOn(door, ending.signal, faults);
  // Each once, whatever it costs; then as they are drawn.
  const deck = shuffled(new SeededRandom(seed), door.attacks);
  let sent = 0;
  let told = 0;
  const attackOn = async (lane: number) => {
    const random = new SeededRandom(seed * 1000 + lane);
    while ((sent < bytes || deck.length > 0) && cloud.service.end === undefined && faults.length < 20) {
      const attack = deck.pop() ?? draw(random, door.attacks);
      count(counts.attacks, attack.name);
      sent += leastBytes;
      const scene: Scene = {
        random,
        address: `127.${random.integer(2, 250)}.${random.integer(0, 255)}.${random.integer(1, 254)}`,
        spent: (bytes) => {
          sent += bytes;
        },
        answered: (name) => count(counts.answers, name),
      };
      try {
        await attack.carryOut(scene);
      } catch (error) {
        faults.push(`${attack.name}: ${(error as Error).stack}`);
      }
      if (sent - told >= bytes / 10) {
        told = sent;
        say(`${sent} bytes, ${Math.round(memory.most)} MiB at most`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, (_, lane) => attackOn(lane)));
  } finally {
    // It is still to be served when all is over.
    await moment(settleMs);
    ending.abort();
    clearInterval(watch);
  }
  const waits = await delivering;
  door.good.close();
  if (cloud.service.end !== undefined) {
    faults.push(`the cloud ended: ${JSON.stringify(cloud.service.end)} ${cloud.service.errors}`);
    return result();
  }
  memory.after = residentOf(pid);
  const ledgers = await accounts(cloud, door, waits.length, faults);
  // One of a kind is enough.
  const failures = new Set(
    cloud.service.log
      .filter(({ level }) => level === 'error')
      .map(({ at: _, level: __, ...line }) => `in its log: ${JSON.stringify(line)}`),
  );
  faults.push(...failures);
  if (cloud.service.errors !== '') faults.push(`on standard error: ${cloud.service.errors}`);
  return result(ledgers);

  function result(ledgers: DoorFuzzRun['ledgers'] = {}): DoorFuzzRun {
    const sorted = waits.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN);
    return {
      ...{ bytes: sent, seed, seconds: Math.round((performance.now() - began) / 1000) },
      ...counts,
      good: { delivered: waits.length, p50: at(0.5), p99: at(0.99), most: at(1) },
      memory: {
        before: Math.round(memory.before),
        most: Math.round(memory.most),
        after: Math.round(memory.after),
      },
      ...{ ledgers, faults },
    };
  }
}

/** Delivers one after the other until it is enough; how long each acknowledgement took. */
async function deliverOn({ good }: HostileDoor, enough: AbortSignal, faults: string[]): Promise<number[]> {
  const waits: number[] = [];
  while (!enough.aborted) {
    const began = performance.now();
    try {
      await good.deliver();
    } catch (error) {
      faults.push(`the client in order could not deliver: ${(error as Error).message}`);
      return waits;
    }
    waits.push(performance.now() - began);
    await moment(goodEvery);
  }
  return waits;
}

/** received = stored + duplicate + rejected everywhere, and of the client in order exactly what it delivered. */
async function accounts(
  { organisation }: CloudProcess,
  { good, devices }: HostileDoor,
  delivered: number,
  faults: string[],
): Promise<Record<string, object>> {
  const ledgers: Record<string, object> = {};
  for (const device of [good.device, ...devices]) {
    const { deliveries, readings } = await organisation.getLedger({ device });
    ledgers[device] = { deliveries, readings };
    for (const [what, { received, stored, duplicate, rejected }] of Object.entries({
      deliveries,
      readings,
    })) {
      if (received !== stored + duplicate + rejected) {
        faults.push(`the ${what} of ${device} do not add up: ${JSON.stringify({ deliveries, readings })}`);
      }
    }
    if (device !== good.device) continue;
    const { received, stored } = deliveries;
    if (received !== delivered || stored !== delivered) {
      faults.push(`${device} delivered ${delivered}, and its ledger says ${JSON.stringify(deliveries)}`);
    }
  }
  const { broken } = await organisation.verifyAudit();
  if (broken !== null) faults.push(`the audit log: ${broken.why}`);
  return ledgers;
}

function shuffled<T>(random: SeededRandom, all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, at: random.uniform() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function draw(random: SeededRandom, attacks: readonly Attack[]): Attack {
  const sum = attacks.reduce((total, { weight }) => total + weight, 0);
  let rest = random.integer(0, sum - 1);
  for (const attack of attacks) {
    rest -= attack.weight;
    if (rest < 0) return attack;
  }
  throw new Error('there are no attacks');
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
