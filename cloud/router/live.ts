import { type AlarmMessage, limits, type UpdatingMessage } from '@loadline/sdk/contract';
import { type Aspect, type Batch, type NumberRange, numberAt } from '@loadline/sdk/telemetry';
import type { Organisation } from '../access/index.ts';
import { eachFresh, hasNumber, type Timeline, wallTime } from '../store/index.ts';
import type { Device } from './directory.ts';

/**
 * Milliseconds between the end of one round of telling and the next at least: so many events a second at most, however
 * many deliveries come. What is committed after a longer silence is told at once.
 */
const leastRestMilliseconds = 3;

/** Milliseconds between them at most. */
const longestRestMilliseconds = 250;

/** A rest is so many times as long as the round before it took: telling costs a fifth of the process at most. */
const restsPerRound = 4;

/** Points of one series told in one event at most; of more, the newest. */
const pointsPerEvent = 500;

/** What was committed of one series since the last event. */
export interface LiveSeries {
  readonly device: string;
  readonly tag: number;
  readonly aspect: Aspect;
  /** What its device calls it, and its unit; null where it is a tag's. */
  readonly name: string | null;
  readonly unit: string | null;
  /** Physical values. */
  readonly points: Point[];
  /** Readings that were left out before these. */
  skipped: number;
}

/** Milliseconds since 1970, and the physical value; null for what is no number. */
export type Point = readonly [time: number, value: number | null];

/** A delivery that was committed: what was new in it, and what its times mean. */
export interface Committed {
  readonly device: Device;
  readonly batch: Batch;
  readonly fresh: readonly NumberRange[];
  readonly timeline: Timeline | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Events told at one time of one organisation at most; of more, the newest. */
const eventsTold = 2000;

/** An event that was committed. */
export interface LiveEvent {
  readonly device: string;
  /** Milliseconds since 1970; null while its boot has no anchor. */
  readonly time: number | null;
  /** Milliseconds since the device's boot. */
  readonly monotonic: number;
  readonly epoch: string;
  readonly number: number;
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
}

/** Hears of what an organisation is to look at. */
export type AlarmFollower = (alarm: AlarmMessage) => void;

/** Hears what gateways of an organisation say of their updates. */
export type UpdateFollower = (device: string, message: UpdatingMessage) => void;

/** Hears what is committed in one organisation. */
export type Follower = (series: readonly LiveSeries[]) => void;

/** Hears what happens in one organisation, once it is committed; `skipped`: events left out before these. */
export type EventFollower = (events: readonly LiveEvent[], skipped: number) => void;

/**
 * Tells followers what was committed. It is self-clocking: after a silence at once, and while much is committed gathered,
 * the more the dearer telling is. Nothing here waits for anybody: what a follower does not take in time is kept for it by
 * its door, as far as `Owed` goes.
 */
export class Live {
  readonly #monotonic: () => number;
  readonly #later: (milliseconds: number, run: () => void) => void;
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #gathered = new Map<string, Map<string, LiveSeries>>();
  readonly #eventFollowers = new Map<string, Set<EventFollower>>();
  readonly #alarmFollowers = new Map<string, Set<AlarmFollower>>();
  readonly #updateFollowers = new Map<string, Set<UpdateFollower>>();
  readonly #gatheredEvents = new Map<string, { readonly events: LiveEvent[]; skipped: number }>();
  /** A round is on its way. */
  #isDue = false;
  /** No round begins before this, monotonic ms. */
  #restUntil = Number.NEGATIVE_INFINITY;

  /** `monotonic`: ms. `later` runs what it is given after so many ms. */
  constructor(
    monotonic: () => number = () => performance.now(),
    later: (milliseconds: number, run: () => void) => void = (milliseconds, run) =>
      setTimeout(run, milliseconds),
  ) {
    this.#monotonic = monotonic;
    this.#later = later;
  }

  /** How many follow readings or events. Alarms are told to a stream of readings besides, and do not count again. */
  get followers(): number {
    let count = 0;
    for (const followers of [...this.#followers.values(), ...this.#eventFollowers.values()]) {
      count += followers.size;
    }
    return count;
  }

  /** Follows the readings of an organisation; the function it returns ends that. */
  follow(organisation: Organisation, follower: Follower): () => void {
    return join(this.#followers, organisation.id, follower);
  }

  /** Follows its events; the function it returns ends that. */
  followEvents(organisation: Organisation, follower: EventFollower): () => void {
    return join(this.#eventFollowers, organisation.id, follower);
  }

  /** Follows its alarms; the function it returns ends that. */
  followAlarms(organisation: Organisation, follower: AlarmFollower): () => void {
    return join(this.#alarmFollowers, organisation.id, follower);
  }

  /** Follows the updates of its gateways; the function it returns ends that. */
  followUpdates(organisation: Organisation, follower: UpdateFollower): () => void {
    return join(this.#updateFollowers, organisation.id, follower);
  }

  /** Tells of what a gateway said of its update at once: they are few. */
  publishUpdate({ organisation, id }: Device, message: UpdatingMessage): void {
    for (const follower of this.#updateFollowers.get(organisation.id) ?? []) follower(id, message);
  }

  /** Tells of an alarm at once: they are few. */
  publishAlarm(organisation: Organisation, alarm: AlarmMessage): void {
    for (const follower of this.#alarmFollowers.get(organisation.id) ?? []) follower(alarm);
  }

  /** To be called after the commit. Times too far ahead of `now` are not told: they are set apart. */
  publish(news: Committed): void {
    this.#gatherReadings(news);
    this.#gatherEvents(news);
  }

  #gatherReadings(news: Committed): void {
    const { device, batch, fresh, timeline, now } = news;
    const organisation = device.organisation.id;
    if (timeline === undefined || !this.#followers.has(organisation)) return;
    let gathered = this.#gathered.get(organisation);
    if (gathered === undefined) {
      gathered = new Map();
      this.#gathered.set(organisation, gathered);
    }
    for (const committed of batch.series) {
      const { tag, aspect } = committed;
      const key = `${device.id}/${tag}/${aspect}`;
      let series = gathered.get(key);
      if (series === undefined) {
        const { name, unit } = device.channels.numbered(tag) ?? { name: null, unit: null };
        series = { device: device.id, tag, aspect, name, unit, points: [], skipped: 0 };
        gathered.set(key, series);
      }
      const { points } = series;
      eachFresh(batch, committed, fresh, (row, position) => {
        const time = wallTime(timeline, batch.times[position] as number);
        if (time > now + limits.futureMilliseconds) return;
        points.push([time, numberAt(batch, committed, row)]);
      });
      const excess = points.length - pointsPerEvent;
      if (excess > 0) {
        points.splice(0, excess);
        series.skipped += excess;
      }
    }
    this.#wake();
  }

  #gatherEvents({ device, batch, fresh, timeline }: Committed): void {
    const organisation = device.organisation.id;
    if (batch.events.length === 0 || !this.#eventFollowers.has(organisation)) return;
    const gathered = this.#gatheredEvents.get(organisation) ?? { events: [], skipped: 0 };
    this.#gatheredEvents.set(organisation, gathered);
    for (const { position, event } of batch.events) {
      const number = batch.first + position;
      if (!hasNumber(fresh, number)) continue;
      const { monotonic, code, subject, detail } = event;
      const time = timeline === undefined ? null : wallTime(timeline, monotonic);
      gathered.events.push({
        device: device.id,
        time,
        monotonic,
        epoch: batch.epoch,
        number,
        code,
        subject,
        detail,
      });
    }
    const excess = gathered.events.length - eventsTold;
    if (excess > 0) {
      gathered.events.splice(0, excess);
      gathered.skipped += excess;
    }
    this.#wake();
  }

  /** Not at once: what was committed together is told together, and its deliveries are acknowledged first. */
  #wake(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const wait = this.#restUntil - this.#monotonic();
    if (wait <= 0) setImmediate(() => this.#tell());
    else this.#later(wait, () => this.#tell());
  }

  #tell(): void {
    const began = this.#monotonic();
    this.#isDue = false;
    this.#tellAll();
    const ended = this.#monotonic();
    const rest = Math.max(leastRestMilliseconds, restsPerRound * (ended - began));
    this.#restUntil = ended + Math.min(rest, longestRestMilliseconds);
  }

  #tellAll(): void {
    for (const [organisation, gathered] of this.#gathered) {
      const series = [...gathered.values()];
      for (const follower of this.#followers.get(organisation) ?? []) follower(series);
    }
    this.#gathered.clear();
    for (const [organisation, { events, skipped }] of this.#gatheredEvents) {
      for (const follower of this.#eventFollowers.get(organisation) ?? []) follower(events, skipped);
    }
    this.#gatheredEvents.clear();
  }
}

function join<F>(followers: Map<string, Set<F>>, organisation: string, follower: F): () => void {
  const joined = followers.get(organisation) ?? new Set();
  followers.set(organisation, joined.add(follower));
  return () => {
    joined.delete(follower);
    // Another set may stand in its place by now.
    if (joined.size === 0 && followers.get(organisation) === joined) followers.delete(organisation);
  };
}
