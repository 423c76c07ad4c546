import { LRUCache } from 'lru-cache';
import { sourceOf } from '../guard/index.ts';

/** How long a token that goes on being used from one source is not told of again, in ms. */
const againMs = 3_600_000;

/** Tokens with a source of which it is remembered; one that was forgotten is told of again. */
const mostKnown = 50_000;

/**
 * Where tokens were used from. A token is proven anew by each request, and an entry of the audit log for each would
 * say less than it costs: told are the first use from a source, and then one an hour for as long as it goes on.
 */
export class Sightings {
  readonly #told = new LRUCache<string, number>({ max: mostKnown });

  /** Whether the use of a token at a time (ms since 1970) is to be told of; if so, it is taken for told. */
  isNews(id: string, source: string, at: number): boolean {
    const key = `${id} ${sourceOf(source).place}`;
    if (at - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < againMs) return false;
    this.#told.set(key, at);
    return true;
  }
}
