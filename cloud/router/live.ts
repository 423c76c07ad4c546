import { limits } from '@loadline/sdk/contract';
import { type Aspect, type Batch, type NumberRange, numberAt } from '@loadline/sdk/telemetry';
import type { Organisation } from '../access/index.ts';
import { eachFresh, type Timeline, wallTime } from '../store/index.ts';
import type { Gateway } from './directory.ts';

/** How often followers are told, in ms: what is committed within shows as one event. */
const gatherMilliseconds = 100;

/** Points of one series told in one event at most; of more, the newest. */
const pointsPerEvent = 500;

/** What was committed of one series since the last event. */
export interface LiveSeries {
  readonly gateway: string;
  readonly tag: number;
  readonly aspect: Aspect;
  /** Physical values. */
  readonly points: (readonly [time: number, value: number | null])[];
}

/** A delivery that was committed: what was new in it, and what its times mean. */
export interface Committed {
  readonly gateway: Gateway;
  readonly batch: Batch;
  readonly fresh: readonly NumberRange[];
  readonly timeline: Timeline | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Hears what is committed in one organisation. */
export type Follower = (series: readonly LiveSeries[]) => void;

/**
 * Tells followers what was committed, gathered. A follower that cannot keep up is its door's to skip: nothing
 * here waits for anybody, and what is skipped can be read from the store.
 */
export class Live {
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #gathered = new Map<string, Map<string, LiveSeries>>();
  #timer: NodeJS.Timeout | undefined;

  /** Follows an organisation; the function it returns ends that. */
  follow(organisation: Organisation, follower: Follower): () => void {
    const followers = this.#followers.get(organisation.id) ?? new Set();
    this.#followers.set(organisation.id, followers.add(follower));
    return () => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(organisation.id);
    };
  }

  /** To be called after the commit. Times too far ahead of `now` are not told: they are set apart. */
  publish(news: Committed): void {
    const { gateway, batch, fresh, timeline, now } = news;
    const organisation = gateway.organisation.id;
    if (timeline === undefined || !this.#followers.has(organisation)) return;
    let gathered = this.#gathered.get(organisation);
    if (gathered === undefined) {
      gathered = new Map();
      this.#gathered.set(organisation, gathered);
    }
    for (const committed of batch.series) {
      const { tag, aspect } = committed;
      const key = `${gateway.id}/${tag}/${aspect}`;
      let series = gathered.get(key);
      if (series === undefined) {
        series = { gateway: gateway.id, tag, aspect, points: [] };
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

  #tell(): void {
    this.#timer = undefined;
    for (const [organisation, gathered] of this.#gathered) {
      const series = [...gathered.values()];
      for (const follower of this.#followers.get(organisation) ?? []) follower(series);
    }
    this.#gathered.clear();
  }
}
