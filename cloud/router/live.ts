import { limits } from '@loadline/sdk/contract';
import { type Aspect, type Batch, type NumberRange, numberAt } from '@loadline/sdk/telemetry';
import type { Organisation } from '../access/index.ts';
import { eachFresh, hasNumber, type Timeline, wallTime } from '../store/index.ts';
import type { Device } from './directory.ts';

/** How often followers are told, in ms: what is committed within shows as one event. */
const gatherMilliseconds = 100;

/** Points of one series told in one event at most; of more, the newest. */
const pointsPerEvent = 500;

/** What was committed of one series since the last event. */
export interface LiveSeries {
  readonly device: string;
  readonly tag: number;
  readonly aspect: Aspect;
  /** Physical values. */
  readonly points: (readonly [time: number, value: number | null])[];
}

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

/** Hears what is committed in one organisation. */
export type Follower = (series: readonly LiveSeries[]) => void;

/** Hears what happens in one organisation, once it is committed. */
export type EventFollower = (events: readonly LiveEvent[]) => void;

/**
 * Tells followers what was committed, gathered. A follower that cannot keep up is its door's to skip: nothing
 * here waits for anybody, and what is skipped can be read from the store.
 */
export class Live {
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #gathered = new Map<string, Map<string, LiveSeries>>();
  readonly #eventFollowers = new Map<string, Set<EventFollower>>();
  readonly #gatheredEvents = new Map<string, LiveEvent[]>();
  #timer: NodeJS.Timeout | undefined;

  /** Follows the readings of an organisation; the function it returns ends that. */
  follow(organisation: Organisation, follower: Follower): () => void {
    return join(this.#followers, organisation.id, follower);
  }

  /** Follows its events; the function it returns ends that. */
  followEvents(organisation: Organisation, follower: EventFollower): () => void {
    return join(this.#eventFollowers, organisation.id, follower);
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
        series = { device: device.id, tag, aspect, points: [] };
        gathered.set(key, series);
      }
      const { points } = series;
      eachFresh(batch, committed, fresh, (row, position) => {
        const time = wallTime(timeline, batch.times[position] as number);
        if (time > now + limits.futureMilliseconds) return;
        points.push([time, numberAt(batch, committed, row)]);
      });
      if (points.length > pointsPerEvent) points.splice(0, points.length - pointsPerEvent);
    }
    this.#timer ??= setTimeout(() => this.#tell(), gatherMilliseconds);
  }

  #gatherEvents({ device, batch, fresh, timeline }: Committed): void {
    const organisation = device.organisation.id;
    if (batch.events.length === 0 || !this.#eventFollowers.has(organisation)) return;
    const gathered = this.#gatheredEvents.get(organisation) ?? [];
    this.#gatheredEvents.set(organisation, gathered);
    for (const { position, event } of batch.events) {
      const number = batch.first + position;
      if (!hasNumber(fresh, number)) continue;
      const { monotonic, code, subject, detail } = event;
      const time = timeline === undefined ? null : wallTime(timeline, monotonic);
      gathered.push({
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
    if (gathered.length > eventsTold) gathered.splice(0, gathered.length - eventsTold);
    this.#timer ??= setTimeout(() => this.#tell(), gatherMilliseconds);
  }

  #tell(): void {
    this.#timer = undefined;
    for (const [organisation, gathered] of this.#gathered) {
      const series = [...gathered.values()];
      for (const follower of this.#followers.get(organisation) ?? []) follower(series);
    }
    this.#gathered.clear();
    for (const [organisation, events] of this.#gatheredEvents) {
      for (const follower of this.#eventFollowers.get(organisation) ?? []) follower(events);
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
