import { randomUUID } from 'node:crypto';
import type { Log } from '@loadline/sdk/platform';
import type { ReleaseTarget } from '@loadline/sdk/release';
import type { Mailer } from '../mail/index.ts';
import type { Directory } from '../router/index.ts';
import {
  type AuditDraft,
  type FleetUpdateRow,
  type RolloutCounts,
  type RolloutFailure,
  type RolloutRow,
  type RolloutState,
  type RolloutWait,
  type Store,
  step,
} from '../store/index.ts';
import { type HaltLimits, haltReason, type RolloutHealth } from './health.ts';
import { isReached, type Reach } from './rings.ts';

/** How often every rollout that is under way is judged, in ms; besides, whenever a gateway says how it ended. */
const judgeMilliseconds = 30_000;

/** Milliseconds that a judgement waits for more ends: a fleet that ends badly does so within seconds. */
const gatherMilliseconds = 250;

const minuteMilliseconds = 60_000;

/** Which releases there are to be offered. */
export interface Shelf {
  has(release: string, target: string): boolean;
}

/** Why something was not done. */
export interface RolloutRefusal {
  readonly kind: 'refused';
  readonly code: 'conflict' | 'not-found';
  readonly detail: string;
}

type Done<T> = { readonly kind: 'done'; readonly value: T } | RolloutRefusal;

/** What of a rollout can be changed. */
export interface RolloutChange extends Partial<Reach> {
  readonly state?: RolloutState | undefined;
  /** Why it is halted, in words. */
  readonly reason?: string | undefined;
  readonly halt?: Partial<HaltLimits> | undefined;
}

/** Who changes it: his name, and what the audit log says. */
export interface RolloutEditor {
  readonly by: string;
  readonly entry: (what: {
    readonly target: AuditDraft['target'];
    readonly before?: AuditDraft['before'];
    readonly after: AuditDraft['after'];
  }) => AuditDraft;
}

/** A rollout and how it goes. */
export interface RolloutView {
  readonly row: RolloutRow;
  readonly counts: RolloutCounts;
  readonly failures: readonly RolloutFailure[];
  readonly waits: readonly RolloutWait[];
  /** Gateways that it reaches, as far as they have said what they are; and those of them that run its release. */
  readonly reached: number;
  readonly arrived: number;
}

interface Parts {
  readonly store: Store;
  readonly directory: Pick<Directory, 'numbered'>;
  readonly shelf: Shelf;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Told of a rollout that the cloud has halted. */
  readonly onHalted: () => void;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Releases on their way to gateways: the fleet's. One of a target is under way at a time; it reaches canaries first, then a
 * share, then all, as its operator says; where it ends badly too often it is halted without anybody.
 */
export class Rollouts {
  readonly #parts: Parts;
  /** The newest first. */
  #rows: readonly RolloutRow[];
  #listener: () => void = () => {};
  /** Since when gateways could say how it goes, ms since 1970. */
  readonly #since: number;
  readonly #timer: NodeJS.Timeout;
  #gathering: NodeJS.Timeout | undefined;
  /** Judgements under way: one after the other. */
  #judging: Promise<void> = Promise.resolve();

  private constructor(parts: Parts, rows: readonly RolloutRow[]) {
    this.#parts = parts;
    this.#rows = rows;
    this.#since = parts.now();
    this.#timer = setInterval(() => this.#judge(), judgeMilliseconds);
    this.#timer.unref();
  }

  static async open(parts: Parts): Promise<Rollouts> {
    return new Rollouts(parts, await parts.store.read('rollouts', {}));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    await this.#judging;
  }

  /** `listener` hears, after the commit, that what gateways are to run may be something else. There is one. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** All of them, the newest first. */
  get all(): readonly RolloutRow[] {
    return this.#rows;
  }

  /** All of them with how they go, the newest first. */
  async views(): Promise<RolloutView[]> {
    const fleet = await this.#parts.store.read('fleetUpdates', {});
    return Promise.all(this.#rows.map((row) => this.#view(row, fleet)));
  }

  async view(id: string): Promise<RolloutView | undefined> {
    const row = this.#rows.find((one) => one.id === id);
    return row && (await this.#view(row, await this.#parts.store.read('fleetUpdates', {})));
  }

  /** Begins one. */
  async create(
    asked: Reach & {
      readonly release: string;
      readonly target: ReleaseTarget;
      readonly halt: HaltLimits;
      /** Organisations by whose gateways it is not judged. */
      readonly unheard: readonly string[];
    },
    { by, entry }: RolloutEditor,
  ): Promise<Done<RolloutView>> {
    const { release, target, ring, percent, halt, unheard } = asked;
    if (!this.#parts.shelf.has(release, target)) {
      return refused('not-found', `the repository has no release ${release} for ${target}: add it first`);
    }
    const id = randomUUID();
    const reach = { ring, percent: ring === 'percent' ? percent : 0 };
    const changed = await this.#parts.store.change({
      steps: [
        step(
          'addRollout',
          {
            ...{ id, release, target, ...reach, state: 'running', created: this.#parts.now(), by },
            ...{ halt_count: halt.count, halt_share: halt.share, halt_minutes: halt.minutes },
            unheard: JSON.stringify(unheard),
          },
          'some',
        ),
      ],
      audit: [
        entry({
          target: targetOf(id),
          after: { release, target, ...reach, halt: { ...halt }, unheard: [...unheard] },
        }),
      ],
    });
    if (!changed.done) {
      return refused('conflict', `a rollout for ${target} is under way: finish or halt that first`);
    }
    await this.#changed();
    return done(await this.#known(id));
  }

  /** Widens, pauses, resumes, finishes or halts one. What is halted stays so; what is finished can only be halted still. */
  async change(id: string, change: RolloutChange, { entry }: RolloutEditor): Promise<Done<RolloutView>> {
    const before = this.#rows.find((one) => one.id === id);
    if (before === undefined) return refused('not-found', 'there is no such rollout');
    const after = changedBy(before, change);
    const refusal = whyNot(before, after);
    if (refusal !== undefined) return refusal;
    const taken = await this.#set(
      before,
      after,
      entry({ target: targetOf(id), before: words(before), after: words(after) }),
    );
    if (!taken) return refused('conflict', 'it was changed meanwhile: read it again');
    return done(await this.#known(id));
  }

  /** Offers it once more, under another id, to those that went back from it or refused it; how many they are. */
  async retry(id: string, { entry }: RolloutEditor): Promise<Done<{ readonly gateways: number }>> {
    const row = this.#rows.find((one) => one.id === id);
    if (row === undefined) return refused('not-found', 'there is no such rollout');
    if (row.state !== 'running')
      return refused('conflict', `it is ${row.state}: only one that runs is retried`);
    const failed = await this.#parts.store.read('rolloutFailed', { rollout: id });
    await this.#parts.store.change({
      steps: failed.flatMap((device) => [step('retryUpdate', { device }), step('retireOffers', { device })]),
      audit: [entry({ target: targetOf(id), after: { retried: failed.length } })],
    });
    this.#listener();
    return done({ gateways: failed.length });
  }

  /** A gateway said how it ended, or the like: what is under way is judged soon. */
  judgeSoon(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#judge();
    }, gatherMilliseconds);
    this.#gathering.unref();
  }

  /** Judges every rollout that runs now, and halts those that end badly too often. */
  async judged(): Promise<void> {
    this.#judge();
    await this.#judging;
  }

  #judge(): void {
    this.#judging = this.#judging
      .then(async () => {
        for (const row of this.#rows) if (row.state === 'running') await this.#judgeOne(row);
      })
      .catch((error: Error) => {
        this.#parts.log.error('rollout-not-judged', { reason: error.message });
      });
  }

  async #judgeOne(row: RolloutRow): Promise<void> {
    const judged = await this.#counts(row, unheardIn(row));
    const reason = haltReason(healthOf(judged), row.ring, limitsOf(row));
    if (reason === undefined) return;
    const { log, onHalted, now } = this.#parts;
    const after = { ...row, state: 'halted', reason } as const;
    const entry: AuditDraft = {
      ...{ organisation: null, at: now(), actor: { kind: 'cloud', id: 'cloud' }, channel: 'cloud' },
      ...{ action: 'rollout.halt', target: targetOf(row.id), outcome: 'done', code: null },
      ...{ before: words(row), after: words(after), personal: null },
    };
    // Somebody was quicker: it is judged again with what he made of it.
    if (!(await this.#set(row, after, entry))) return;
    log.warn('alarm', { kind: 'rollout-halted', rollout: row.id, release: row.release, reason });
    onHalted();
    await this.#mail(row, reason);
  }

  async #mail({ release, target, created }: RolloutRow, reason: string): Promise<void> {
    const { store, mailer, now } = this.#parts;
    for (const { email: address, name } of await store.read('operators', {})) {
      const to = { address, name };
      mailer.send({ kind: 'rollout-halted', release, target, since: created, at: now(), reason, to });
    }
  }

  /** Whether it is so now: not where another was quicker. */
  async #set(before: RolloutRow, after: RolloutRow, entry: AuditDraft): Promise<boolean> {
    const { id, ring, percent, state, reason, halt_count, halt_share, halt_minutes } = after;
    const set = step(
      'setRollout',
      {
        ...{ id, ring, percent, state, reason, revision: before.revision, at: this.#parts.now() },
        ...{ count: halt_count, share: halt_share, minutes: halt_minutes },
      },
      'some',
    );
    const changed = await this.#parts.store.change({ steps: [set], audit: [entry] });
    await this.#changed();
    return changed.done;
  }

  async #changed(): Promise<void> {
    this.#rows = await this.#parts.store.read('rollouts', {});
    this.#listener();
  }

  #counts(row: RolloutRow, without: readonly string[] = []): Promise<RolloutCounts> {
    const before = this.#overdueBefore(row);
    return this.#parts.store.read('rolloutCounts', { rollout: row.id, before, without });
  }

  /** What was taken before that is overdue. While the cloud was away nobody could confirm: after a start all have their time anew. */
  #overdueBefore({ halt_minutes }: RolloutRow): number {
    const before = this.#parts.now() - halt_minutes * minuteMilliseconds;
    return before < this.#since ? 0 : before;
  }

  async #known(id: string): Promise<RolloutView> {
    const view = await this.view(id);
    if (view === undefined) throw new Error(`rollout ${id} is not there any more`);
    return view;
  }

  async #view(row: RolloutRow, fleet: readonly FleetUpdateRow[]): Promise<RolloutView> {
    const { directory, store } = this.#parts;
    const reached = fleet.filter(({ device: number, target, slot, canary }) => {
      const device = directory.numbered(number);
      if (device === undefined || device.retired !== null || target !== row.target || slot === null)
        return false;
      return isReached(row, { id: device.id, isCanary: canary === 1 }, row.release);
    });
    return {
      row,
      counts: await this.#counts(row),
      failures: await store.read('rolloutFailures', { rollout: row.id, before: this.#overdueBefore(row) }),
      waits: await store.read('rolloutWaits', { rollout: row.id }),
      reached: reached.length,
      arrived: reached.filter(({ release }) => release === row.release).length,
    };
  }
}

/** How a rollout ended with gateways, as far as it did. */
function healthOf({ states, overdue }: RolloutCounts): RolloutHealth {
  return {
    confirmed: states.confirmed ?? 0,
    rolledBack: states['rolled-back'] ?? 0,
    refused: states.refused ?? 0,
    overdue,
  };
}

/** Organisations by whose gateways a rollout is not judged. */
export function unheardIn({ unheard }: Pick<RolloutRow, 'unheard'>): readonly string[] {
  return JSON.parse(unheard) as string[];
}

function limitsOf({ halt_count: count, halt_share: share, halt_minutes: minutes }: RolloutRow): HaltLimits {
  return { count, share, minutes };
}

function changedBy(before: RolloutRow, change: RolloutChange): RolloutRow {
  const { halt } = change;
  const state = change.state ?? before.state;
  const ring = change.ring ?? before.ring;
  const percent = ring === 'percent' ? (change.percent ?? before.percent) : 0;
  return {
    ...before,
    ...{ ring, percent, state },
    reason: state === 'halted' ? (change.reason ?? before.reason ?? 'by hand') : null,
    halt_count: halt?.count ?? before.halt_count,
    halt_share: halt?.share ?? before.halt_share,
    halt_minutes: halt?.minutes ?? before.halt_minutes,
  };
}

function whyNot(before: RolloutRow, after: RolloutRow): RolloutRefusal | undefined {
  if (before.state === 'halted') {
    return refused('conflict', 'it was halted, for good: begin another one once what was wrong is known');
  }
  if (before.state === 'finished' && after.state !== 'halted') {
    return refused('conflict', 'it is finished: it can be halted still, and nothing else');
  }
  return undefined;
}

function targetOf(id: string): { kind: string; id: string } {
  return { kind: 'rollout', id };
}

/** What the audit log says of one. */
function words({ release, target, ring, percent, state, reason, ...row }: RolloutRow) {
  return { release, target, ring, percent, state, reason, halt: { ...limitsOf(row as RolloutRow) } };
}

function done<T>(value: T): Done<T> {
  return { kind: 'done', value };
}

function refused(code: RolloutRefusal['code'], detail: string): RolloutRefusal {
  return { kind: 'refused', code, detail };
}
