import { limits } from '@loadline/sdk/contract';
import type { NumberRange } from '@loadline/sdk/telemetry';
import type { Run } from '../journal/index.ts';

/**
 * What to publish next, on one connection.
 *
 * A schedule is a view of the journal that lives as long as its connection: what is in flight, which older
 * positions wait (the backlog), and from where on everything is new (live). All that a connection leaves
 * unacknowledged is still in the journal, and so in the backlog of the next one.
 *
 *     0 ........ backlog ........ | liveFrom ..... tail ..... next
 *                                 |   in flight or    not cut yet
 *                                 |   acknowledged
 *
 * Live readings go first. They leave at once while none of them is in flight, and gather while some are, and for a
 * moment after each batch (`liveGap`): on a quiet link a reading travels alone, on a busy one batches grow by
 * themselves. The backlog fills the window beside them, but for a part that is kept free, so that a live batch never
 * waits for its acknowledgements.
 */
export interface Schedule {
  /** Positions before `tail` that wait, ascending. */
  readonly backlog: readonly NumberRange[];
  /** Positions from here on are live and not cut yet. */
  readonly tail: number;
  /** Bytes of them (`entryWeight`), and when the first of them came; undefined where there are none. */
  readonly liveBytes: number;
  readonly liveSince: number | undefined;
  /** When the last live batch was cut. */
  readonly liveCut: number;
  readonly inFlight: readonly Flight[];
  /** Bytes in flight (`entryWeight`). */
  readonly flying: number;
}

/** A batch published and not yet acknowledged. */
export interface Flight {
  readonly lane: Lane;
  readonly position: number;
  readonly count: number;
  readonly bytes: number;
}

export type Lane = 'live' | 'backlog';

export interface ScheduleLimits {
  /** Bytes that may be in flight. */
  readonly windowBytes: number;
  /** Bytes that the backlog may take for the window: the same, or less for a while. */
  readonly backlogBytes: number;
  /** Milliseconds live readings may gather on an idle link. */
  readonly maxDelay: number;
}

/** What to do now. Times are monotonic milliseconds. */
export type Decision =
  | { readonly kind: 'cut'; readonly lane: Lane; readonly range: NumberRange; readonly maxBytes: number }
  /** Nothing before this time, unless something happens. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing until something happens: an entry, an acknowledgement. */
  | { readonly kind: 'idle' };

/**
 * Milliseconds from one live batch to the next, unless one is full. Where frames follow each other closely over a short
 * link, every few of them would be a batch of their own, each with its encryption, write and acknowledgement. It is short,
 * because half of it stands between a reading and whoever follows it; `max_delay` is for who would rather have fewer.
 */
export const liveGap = 5;

/** Bytes of a full batch before compression: half of what a batch may be, since weights are estimates. */
const fullBatchBytes = limits.batchBytes / 2;

/** Bytes of a full live batch, of a full backlog batch, and of the window that backlog may fill. */
export function lanes({ windowBytes, backlogBytes }: ScheduleLimits) {
  const backlogWindow = Math.floor((backlogBytes * 3) / 4);
  return {
    live: Math.min(fullBatchBytes, Math.floor(windowBytes / 4)),
    backlogWindow,
    // Two of them, so that one is on its way while the other is being acknowledged.
    backlog: Math.min(fullBatchBytes, Math.floor(backlogWindow / 2)),
  };
}

/** The schedule of a new connection: all that is held is backlog, all that comes is live. */
export function connected(held: readonly NumberRange[], next: number): Schedule {
  return {
    backlog: held,
    tail: next,
    liveBytes: 0,
    liveSince: undefined,
    liveCut: Number.NEGATIVE_INFINITY,
    inFlight: [],
    flying: 0,
  };
}

/** An entry of `bytes` was appended at `now`. */
export function appended(schedule: Schedule, bytes: number, now: number): Schedule {
  return {
    ...schedule,
    liveBytes: schedule.liveBytes + bytes,
    liveSince: schedule.liveSince ?? now,
  };
}

/** What to publish, `next` being the position the journal's next entry will get. */
export function decide(schedule: Schedule, next: number, now: number, bounds: ScheduleLimits): Decision {
  const size = lanes(bounds);
  const live = decideLive(schedule, next, now, bounds);
  if (live.kind === 'cut') return live;
  const [waiting] = schedule.backlog;
  if (waiting !== undefined) {
    const backlogRoom = size.backlogWindow - schedule.flying;
    // Half a batch or more: what little an acknowledged live batch frees is not worth a publish of its own.
    if (backlogRoom >= size.backlog / 2) {
      const maxBytes = Math.min(size.backlog, backlogRoom);
      return { kind: 'cut', lane: 'backlog', range: waiting, maxBytes };
    }
  }
  return live;
}

function decideLive(schedule: Schedule, next: number, now: number, bounds: ScheduleLimits): Decision {
  const { tail, liveBytes, liveSince, liveCut, inFlight } = schedule;
  const maxBytes = lanes(bounds).live;
  // Never so while no live batch is in flight: the backlog leaves that much of the window alone.
  if (tail >= next || bounds.windowBytes - schedule.flying < maxBytes) return { kind: 'idle' };
  const cut: Decision = { kind: 'cut', lane: 'live', range: { first: tail, last: next - 1 }, maxBytes };
  if (liveBytes >= maxBytes || next - tail >= limits.batchEntries) return cut;
  if (inFlight.some(({ lane }) => lane === 'live')) return { kind: 'idle' };
  const due = Math.max((liveSince ?? now) + bounds.maxDelay, liveCut + liveGap);
  return now < due ? { kind: 'wait', until: due } : cut;
}

/**
 * The cut was made: `run` is what the journal gave for it, undefined where nothing of the range is held any
 * more. Positions the journal passed over are gone from it, and from here.
 */
export function taken(
  schedule: Schedule,
  cut: Extract<Decision, { kind: 'cut' }>,
  run: Run | undefined,
  now: number,
): Schedule {
  const last = run === undefined ? cut.range.last : run.position + run.entries.length - 1;
  const flight = run && {
    lane: cut.lane,
    position: run.position,
    count: run.entries.length,
    bytes: run.bytes,
  };
  const inFlight = flight ? [...schedule.inFlight, flight] : schedule.inFlight;
  const flying = schedule.flying + (run?.bytes ?? 0);
  switch (cut.lane) {
    case 'live': {
      const all = last >= cut.range.last;
      const liveBytes = all ? 0 : Math.max(0, schedule.liveBytes - (run?.bytes ?? 0));
      const liveSince = all ? undefined : now;
      return { ...schedule, inFlight, flying, tail: last + 1, liveBytes, liveSince, liveCut: now };
    }
    case 'backlog': {
      const [waiting, ...others] = schedule.backlog;
      const rest =
        waiting !== undefined && waiting.last > last ? [{ first: last + 1, last: waiting.last }] : [];
      return { ...schedule, inFlight, flying, backlog: [...rest, ...others] };
    }
  }
}

/** The batch that began at `position` was acknowledged. */
export function acknowledged(schedule: Schedule, position: number): Schedule {
  const flight = schedule.inFlight.find((each) => each.position === position);
  if (flight === undefined) return schedule;
  return {
    ...schedule,
    inFlight: schedule.inFlight.filter((each) => each !== flight),
    flying: schedule.flying - flight.bytes,
  };
}
