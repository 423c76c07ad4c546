import type { Point, Series } from './api.ts';

/** New readings of one series. */
export interface LivePoints {
  readonly device: string;
  readonly tag: string;
  readonly aspect: Series['aspect'];
  readonly points: readonly Point[];
  /** Readings that were left out before these: we did not keep up. */
  readonly skipped?: number;
}

export type LiveEvent =
  | { readonly kind: 'readings'; readonly series: readonly LivePoints[] }
  /** Connected, for the first time or again: what came before this instant must be loaded. */
  | { readonly kind: 'opened' }
  /** Not connected: whether the link, the cloud or the session is gone, the REST API tells. */
  | { readonly kind: 'lost' };

/** Milliseconds of the first and of the longest wait before connecting again. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Milliseconds of silence after which the link is taken for dead: a phone that moved gets no error for minutes. */
const SILENCE = 30_000;

/**
 * The cloud's live stream. An EventSource that reconnects by itself gives up at the first answer that is not a
 * stream, and never notices a half-open link; so each connection here is used once, and the waits between them
 * are ours, with full jitter.
 */
export class Live {
  readonly #address: string;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  readonly #listeners = new Set<(event: LiveEvent) => void>();

  /** `address`: of the stream. */
  constructor(address: string) {
    this.#address = address;
  }

  /** Calls `listener` with all that happens from now on; returns what ends that. */
  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Connects, or connects anew. */
  open(): void {
    this.close();
    const source = new EventSource(this.#address);
    this.#source = source;
    this.#watch();
    source.addEventListener('open', () => {
      this.#attempts = 0;
      this.#watch();
      this.#tell({ kind: 'opened' });
    });
    source.addEventListener('ping', () => this.#watch());
    source.addEventListener('readings', (event) => {
      this.#watch();
      this.#tell({ kind: 'readings', series: JSON.parse(event.data) });
    });
    // The session is over, or the cloud is going down.
    source.addEventListener('end', () => this.#retry());
    source.addEventListener('error', () => this.#retry());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), SILENCE);
  }

  #retry(): void {
    this.close();
    const longest = Math.min(FIRST_WAIT * 2 ** this.#attempts, LONGEST_WAIT);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.open(), FIRST_WAIT / 2 + Math.random() * longest);
    this.#tell({ kind: 'lost' });
  }

  #tell(event: LiveEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
