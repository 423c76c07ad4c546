import { limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Directory } from '../router/index.ts';
import {
  type AuditDraft,
  type SeriesName,
  type SeriesRetentionRow,
  type Store,
  step,
} from '../store/index.ts';

/** How often it is looked for what has outlived its time, in ms. */
const roundMilliseconds = 3_600_000;

const dayMilliseconds = 86_400_000;

/**
 * How long readings are kept: as their organisation says, or as is said of their series. Once an hour what is older is
 * removed and counted as expired; deliveries that were refused go with it when their time is over.
 */
export class Retention {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #own = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #round: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(parts: { store: Store; directory: Directory; log: Log; now: () => number }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#timer = setInterval(() => void this.expire(), roundMilliseconds);
    this.#timer.unref();
  }

  /** `now`: ms since 1970. */
  static async open(parts: {
    store: Store;
    directory: Directory;
    log: Log;
    now: () => number;
  }): Promise<Retention> {
    const retention = new Retention(parts);
    const { series } = await parts.store.read('retention', {});
    for (const row of series) retention.#own.set(nameOf(row), row.days);
    return retention;
  }

  /** Days that are said of a series itself; null where its organisation's count. */
  daysOf(series: SeriesName): number | null {
    return this.#own.get(nameOf(series)) ?? null;
  }

  /** Says for how many days the readings of a series are kept; null: as its organisation says. */
  async keep(series: SeriesName, days: number | null, entry: AuditDraft): Promise<void> {
    const { device, tag, aspect } = series;
    const name = { device, tag, aspect };
    const to =
      days === null ? step('clearSeriesRetention', name) : step('setSeriesRetention', { ...name, days });
    await this.#store.change({ steps: [to], audit: [entry] });
    if (days === null) this.#own.delete(nameOf(series));
    else this.#own.set(nameOf(series), days);
  }

  /** Removes what has outlived its time; one round at a time. */
  expire(): Promise<void> {
    this.#round = this.#round.then(async () => {
      try {
        await this.#expire();
      } catch (error) {
        this.#log.error('retention-failed', { reason: (error as Error).message });
      }
    });
    return this.#round;
  }

  /** Ends it; resolves once the round under way has come to its end. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    await this.#round;
  }

  async #expire(): Promise<void> {
    const now = this.#now();
    const { organisations, series } = await this.#store.read('retention', {});
    const ofOrganisation = new Map(organisations.map(({ id, days }) => [id, days]));
    const own = new Map(series.map((row: SeriesRetentionRow) => [nameOf(row), row.days]));
    let readings = 0;
    for (const { device, tag, aspect } of this.#store.index.all()) {
      if (this.#closed) return;
      const organisation = this.#directory.numbered(device)?.organisation.id ?? '';
      const name = { device, tag, aspect };
      const days = own.get(nameOf(name)) ?? ofOrganisation.get(organisation) ?? null;
      if (days === null) continue;
      readings += await this.#store.expire(name, now - days * dayMilliseconds);
    }
    const before = now - limits.rejectionMilliseconds;
    const forgotten = await this.#store.change({ steps: [step('forgetRejections', { before })], audit: [] });
    const rejections = forgotten.done ? (forgotten.rows[0] ?? 0) : 0;
    if (readings + rejections > 0) this.#log.info('retention', { readings, rejections });
  }
}

function nameOf({ device, tag, aspect }: SeriesName): string {
  return `${device}/${tag}/${aspect}`;
}
