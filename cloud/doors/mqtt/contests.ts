import type { Log } from '@loadline/sdk/platform';
import type { Alarms } from '../../alarms/index.ts';
import type { Device } from '../../router/index.ts';
import { type Store, step } from '../../store/index.ts';
import { type Arriving, type Claimant, judge } from './contest.ts';

/**
 * Milliseconds for which the place of a link that was lost is held for its process, against another one with its identity:
 * longer than a gateway that is alive takes to come back (30 s between attempts, 10 s for each).
 */
const heldMilliseconds = 60_000;

/** Processes that are remembered of one gateway, those that were let in last. */
const claimantsKept = 32;

/** The place of one gateway. */
export interface Place {
  /** In the order in which they were let in. */
  claimants: readonly Claimant[];
  /** Goes up with each change from one process to another. */
  turn: number;
  /** Until when it is kept free for the one that was let in last, monotonic ms. */
  heldUntil: number;
  /** Settles once the store has the last change of it. */
  kept: Promise<void>;
}

/** What becomes of a CONNECT that proved its identity. */
export type Decision = 'admitted' | 'late' | 'contested';

export interface ContestParts {
  readonly store: Pick<Store, 'read' | 'change'>;
  readonly alarms: Pick<Alarms, 'raise'>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/**
 * Keeps who was let in as which gateway, over restarts of the cloud too, and raises the alarm where two are alive. It is
 * asked for gateways that state their epoch; of others it knows nothing.
 */
export class Contests {
  readonly #parts: ContestParts;
  readonly #places = new Map<number, Promise<Place>>();
  readonly #opened: number;

  constructor(parts: ContestParts) {
    this.#parts = parts;
    this.#opened = parts.monotonic();
  }

  /** What is known of a gateway's place; read once, and kept while somebody has it. */
  place({ number }: Device): Promise<Place> {
    const known = this.#places.get(number);
    if (known !== undefined) return known;
    const place = this.#read(number);
    this.#places.set(number, place);
    // Asked again by the next one.
    place.catch(() => this.#places.delete(number));
    return place;
  }

  /**
   * Whether it is let in. `isStanding`: whether a link of the gateway stands now. Nothing may be awaited between the look at
   * that and this.
   */
  decide(
    place: Place,
    {
      device,
      source,
      isStanding,
      ...arriving
    }: Arriving & {
      readonly device: Device;
      readonly source: string;
      readonly isStanding: boolean;
    },
  ): Decision {
    const verdict = judge(place.claimants, arriving);
    if (verdict.kind === 'late') return 'late';
    if (verdict.kind === 'came-back') {
      this.#raise(device, { ...verdict, source });
      if (isStanding || this.#parts.monotonic() < place.heldUntil) return 'contested';
    }
    this.#admit(place, { device, source, epoch: arriving.epoch });
    return 'admitted';
  }

  /** It showed its identity by what proves nobody any more, because another one has renewed it: it is not let in, and yet alive. */
  superseded(
    place: Place,
    { device, source, ...arriving }: Arriving & { readonly device: Device; readonly source: string },
  ): void {
    const verdict = judge(place.claimants, arriving);
    if (verdict.kind === 'came-back') this.#raise(device, { ...verdict, source });
  }

  /** The link that stood has ended; `for-good`: its process said goodbye, or may not come back. */
  left(place: Place, how: 'for-good' | 'lost'): void {
    const now = this.#parts.monotonic();
    place.heldUntil = how === 'lost' ? now + heldMilliseconds : now;
  }

  /** Forgets what can be read again: places that nobody has, and that are held for nobody. To be called once a minute. */
  async sweep(isStanding: (device: number) => boolean): Promise<void> {
    for (const [number, promised] of [...this.#places]) {
      const place = await promised;
      await place.kept;
      const now = this.#parts.monotonic();
      const admitted = place.claimants.at(-1)?.admitted ?? Number.NEGATIVE_INFINITY;
      // Connections from before it was let in are over by then.
      const isOver = now >= place.heldUntil && now >= admitted + heldMilliseconds;
      if (isOver && !isStanding(number) && this.#places.get(number) === promised) this.#places.delete(number);
    }
  }

  async #read(device: number): Promise<Place> {
    const rows = await this.#parts.store.read('statedEpochs', { device });
    return {
      claimants: rows.map(({ epoch, source, at }) => ({
        epoch,
        source,
        at,
        admitted: Number.NEGATIVE_INFINITY,
      })),
      turn: rows.at(-1)?.turn ?? 0,
      // Whoever had the place when the cloud ended comes back to it first.
      heldUntil: this.#opened + heldMilliseconds,
      kept: Promise.resolve(),
    };
  }

  #admit(place: Place, { device, source, epoch }: { device: Device; source: string; epoch: string }): void {
    const { now, monotonic } = this.#parts;
    const claimant = { epoch, source, at: now(), admitted: monotonic() };
    const last = place.claimants.at(-1);
    const isSame = last?.epoch === epoch;
    place.claimants = [...place.claimants.filter((one) => one.epoch !== epoch), claimant].slice(
      -claimantsKept,
    );
    if (isSame && last.source === source) return;
    if (!isSame) place.turn += 1;
    const { turn } = place;
    const { number } = device;
    const steps = [
      step('stateEpoch', { device: number, epoch, source, at: claimant.at, turn }),
      step('forgetStatedEpochs', { device: number, through: turn - claimantsKept }),
    ];
    // The link does not wait for it: what a crash takes of it is a process that is seen anew.
    place.kept = this.#parts.store.change({ steps, audit: [] }).then(
      () => {},
      (error: Error) => this.#parts.log.error('epoch-not-kept', { device: device.id, reason: error.message }),
    );
  }

  #raise(
    device: Device,
    { before, last, source }: { readonly before: Claimant; readonly last: Claimant; readonly source: string },
  ): void {
    const at = this.#parts.now();
    const { epoch } = before;
    this.#parts.log.warn('identity-contested', {
      gateway: device.id,
      epoch,
      from: source,
      other: last.epoch,
    });
    this.#parts.alarms.raise({
      ...{ kind: 'identity-cloned', device, at },
      seen: {
        evidence: 'came-back',
        epochs: [
          { epoch: last.epoch, source: last.source, boot: null, at: last.at },
          { epoch, source, boot: null, at },
        ],
      },
    });
  }
}
