import type { ClockQuestion } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Anchor, EventWords } from '@loadline/sdk/telemetry';
import { Repeats } from '../repeats.ts';
import { Anchors } from './anchors.ts';
import type { Clock } from './clock.ts';
import { CloudWord, surelyPast } from './cloud-word.ts';
import { type Floors, floorAfter } from './floor.ts';
import { atWords, instantOf, inWords, Steps } from './steps.ts';
import { SystemWord } from './system-word.ts';
import type { Time } from './time.ts';
import { contradiction, type Word, worth } from './word.ts';

/** Milliseconds between two ticks. */
export const tickMilliseconds = 2000;
/** Milliseconds by which two vouchers must contradict each other for it to be said, and the cloud believed. */
const minutes = 2 * 60_000;
/** Milliseconds by which the cloud's word must be the finer one to come before the system's: that was long ago. */
const finer = 5000;
/** Milliseconds below the floor at which a word is still believed: the floor itself may be a little too high. */
const floorTolerance = 86_400_000;
/** Milliseconds between two times the floor is written: it spares the card. */
const floorMilliseconds = 3_600_000;

export interface TimekeeperOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What was surely past at the start: `readFloors`. */
  readonly floors: Floors;
  /** When the file by which the system vouches for its time was touched last: `touchedAt(clock.synchronized_file)`. */
  readonly synchronizedAt: () => number | undefined;
  /** Asks the cloud, on the topic `clock`; never throws, and is not called while disconnected. */
  readonly ask: (question: ClockQuestion) => void;
  /** Keeps a floor for the next start: `writeFloor`. */
  readonly keepFloor: (wall: number) => Promise<void>;
  readonly onAnchor: (anchor: Anchor) => void;
  readonly onEvent: (event: EventWords) => void;
}

type Voucher = 'system' | 'cloud';
interface Known {
  readonly by: Voucher;
  readonly word: Word;
}

/**
 * What time it is, and who says so. The wall clock that nobody vouches for is never believed, whatever it says.
 *
 * The system's word comes first, unless it was given so long ago that the cloud's is finer by seconds. Where it and the cloud's contradict each other by more than two
 * minutes beyond what both admit, the cloud is believed: its word comes authenticated, NTP's does not. Neither is
 * believed more than a day below the floor that was kept while the cloud vouched, the system not below what it has
 * risen to in this run either: else whoever forges NTP could make an expired certificate good again.
 */
export class Timekeeper {
  readonly #options: TimekeeperOptions;
  readonly #startedAt: number;
  /** The floor, and since when it has been surely past, on the monotonic clock. */
  #floor: number;
  #floorSince: number;
  readonly #steps = new Steps();
  readonly #system = new SystemWord();
  readonly #cloud: CloudWord;
  readonly #anchors = new Anchors();
  /** Who was said to vouch last. */
  #said: Voucher | undefined;
  /** The dispute that was said last; empty while there is none. */
  #disputed = '';
  /** What was last known, for the time when nobody vouches any more. */
  #past: { readonly monotonic: number; readonly wall: number } | undefined;
  #floorKeptAt = Number.NEGATIVE_INFINITY;
  #keeping: Promise<void> = Promise.resolve();
  readonly #faults = new Repeats<string>((reason, times) =>
    this.#options.log.warn('clock-answer-ignored', { reason, ...(times > 1 && { times }) }),
  );

  constructor(options: TimekeeperOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#floor = options.floors.own;
    this.#floorSince = this.#startedAt;
    this.#cloud = new CloudWord(options.ask);
  }

  /** What is known of this instant. */
  time(): Time {
    const monotonic = this.#options.clock.monotonic();
    const known = this.#judge(monotonic).known;
    if (known !== undefined) {
      const { wall, uncertainty } = known.word;
      return { kind: 'known', by: known.by, wall, uncertainty };
    }
    return { kind: 'at-least', wall: this.#atLeast(monotonic) };
  }

  /** A look at the clocks and the system. To be called at the start, before anything is read, and then every `tickMilliseconds`. */
  tick(): void {
    const instant = instantOf(this.#options.clock);
    const { monotonic, wall } = instant;
    const moved = this.#steps.look(instant);
    if (moved !== 0) {
      const way = moved > 0 ? 'forward' : 'back';
      this.#event('clock-stepped', `${way} by ${inWords(moved)}, from ${atWords(wall - moved)}`);
    }
    this.#system.look(this.#options.synchronizedAt(), instant);
    this.#cloud.tick(monotonic, this.#judge(monotonic).known !== undefined);
    this.#conclude(monotonic);
  }

  /** There is a new connection to the cloud. */
  connected(): void {
    this.#cloud.connected(this.#options.clock.monotonic());
  }

  disconnected(): void {
    this.#cloud.disconnected();
  }

  /** What came on the topic `clock`. Whatever it is, it does not throw. */
  answered(json: string): void {
    const monotonic = this.#options.clock.monotonic();
    const fault = this.#cloud.answered(parsed(json), monotonic);
    if (fault !== undefined) this.#faults.happened('fault', fault);
    else this.#conclude(monotonic);
  }

  /** Keeps the floor for the next start, and waits until it is kept. To be called at the stop. */
  async stop(): Promise<void> {
    this.#faults.stop();
    this.#floorKeptAt = Number.NEGATIVE_INFINITY;
    this.#keepFloor(this.#options.clock.monotonic());
    await this.#keeping;
  }

  #conclude(monotonic: number): void {
    const { known, dispute } = this.#judge(monotonic);
    this.#sayDispute(dispute);
    this.#sayTrust(known);
    if (known === undefined) return;
    this.#past = { monotonic, wall: known.word.wall - known.word.uncertainty };
    const anchor = this.#anchors.due(known.word);
    if (anchor !== undefined) this.#options.onAnchor(anchor);
    this.#keepFloor(monotonic);
  }

  #judge(monotonic: number): { readonly known: Known | undefined; readonly dispute: string } {
    const system = worth(this.#system.word, monotonic);
    const cloud = worth(this.#cloud.word, monotonic);
    // NTP may be forged at any time of a long run; the cloud may have mended its own clock, and is whom TLS let through.
    const floors = { system: this.#floorNow(monotonic), cloud: this.#options.floors.own };
    const dispute = disputeOf(system, cloud, floors);
    const [bySystem, byCloud] = [believed(system, floors.system), believed(cloud, floors.cloud)];
    if (byCloud !== undefined && (bySystem === undefined || cloudFirst(bySystem, byCloud))) {
      return { known: { by: 'cloud', word: byCloud }, dispute };
    }
    return { known: bySystem && { by: 'system', word: bySystem }, dispute };
  }

  /** Later than what was surely past before: as the latest voucher of this run had it, else as the files had it. */
  #atLeast(monotonic: number): number {
    const { saved } = this.#options.floors;
    const before = this.#past ?? { monotonic: this.#startedAt, wall: saved };
    return Math.max(this.#floorNow(monotonic), floorAfter(before.wall, monotonic - before.monotonic));
  }

  #floorNow(monotonic: number): number {
    return floorAfter(this.#floor, monotonic - this.#floorSince);
  }

  #sayTrust(known: Known | undefined): void {
    const by = known?.by;
    if (by === this.#said) return;
    this.#said = by;
    if (known === undefined) {
      this.#event('clock-untrusted', 'nobody vouches for the time any more');
      return;
    }
    const { wall, uncertainty } = known.word;
    const who = known.by === 'system' ? 'the system, which has synchronised it' : 'the cloud';
    this.#event('clock-trusted', `by ${who}: ${atWords(wall)}, within ${inWords(uncertainty)}`);
  }

  #sayDispute(dispute: string): void {
    const kind = dispute.split(':')[0] as string;
    if (kind === this.#disputed) return;
    this.#disputed = kind;
    if (dispute !== '') this.#event('clock-disputed', dispute);
  }

  /** Only the cloud's word raises the floor: a forged NTP answer must not shut the gateway out for good. */
  #keepFloor(monotonic: number): void {
    const word = worth(this.#cloud.word, monotonic);
    if (word === undefined || monotonic - this.#floorKeptAt < floorMilliseconds) return;
    const wall = surelyPast(word, monotonic);
    if (wall <= this.#floor) return;
    this.#floor = wall;
    this.#floorSince = monotonic;
    this.#floorKeptAt = monotonic;
    this.#keeping = this.#keeping
      .then(() => this.#options.keepFloor(wall))
      .catch((error: Error) => this.#options.log.warn('clock-floor-not-kept', { reason: error.message }));
  }

  #event(code: EventWords['code'], detail: string): void {
    this.#options.onEvent({ code, subject: '', detail });
  }
}

function cloudFirst(system: Word, cloud: Word): boolean {
  return contradiction(system, cloud) > minutes || cloud.uncertainty + finer < system.uncertainty;
}

function isEarly({ wall, uncertainty }: Word, floor: number): boolean {
  return wall + uncertainty < floor - floorTolerance;
}

function believed(word: Word | undefined, floor: number): Word | undefined {
  return word === undefined || isEarly(word, floor) ? undefined : word;
}

function disputeOf(
  system: Word | undefined,
  cloud: Word | undefined,
  floors: Readonly<Record<Voucher, number>>,
): string {
  const past = (word: Word, floor: number) =>
    `it is ${atWords(word.wall)}, but ${atWords(floor)} is past: not believed`;
  if (cloud !== undefined && isEarly(cloud, floors.cloud))
    return `the cloud says: ${past(cloud, floors.cloud)}`;
  if (system !== undefined && isEarly(system, floors.system)) {
    return `the system says: ${past(system, floors.system)}`;
  }
  if (system === undefined || cloud === undefined || contradiction(system, cloud) <= minutes) return '';
  const apart = inWords(system.wall - cloud.wall);
  const way = system.wall > cloud.wall ? 'ahead of' : 'behind';
  return `the system is ${way} the cloud: by ${apart}; the cloud is believed`;
}

function parsed(json: string): unknown {
  try {
    return json.length <= 1024 ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
}
