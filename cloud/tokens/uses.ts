import { LRUCache } from 'lru-cache';
import { sourceOf } from '../guard/index.ts';
import { type AuditDraft, type Step, type Store, step } from '../store/index.ts';

/** A token or key that was used, and was good. */
export interface Use {
  readonly kind: 'token' | 'application-key';
  readonly id: string;
  readonly organisation: string;
  readonly channel: 'https' | 'mqtt';
  /** The address it came from. */
  readonly source: string;
  /** Ids of the persons whose address that may be. */
  readonly persons: readonly string[];
}

/** How far behind the time of the last use may be, in ms: a write for each request is too many. */
const usedMs = 60_000;

/** Sources remembered of each, the latest. */
const sourcesKnown = 8;

/** Tokens and keys of which it is remembered; of one that was forgotten a source is told again. */
const mostKnown = 20_000;

/** How long uses are gathered before they are written, in ms. */
const gatherMs = 500;

interface Known {
  written: number;
  /** When the log last told of a source. */
  told: number;
  readonly sources: Set<string>;
}

/**
 * Keeps when tokens and keys were last used, at most once a minute each, and tells the audit log of each source that one
 * had not been used from, at most one a minute. Nobody waits for it.
 */
export class Uses {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #known = new LRUCache<string, Known>({ max: mostKnown });
  #steps: Step[] = [];
  #audit: AuditDraft[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `now`: ms since 1970. */
  constructor({ store, now }: { store: Store; now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  note(use: Use): void {
    const { kind, id } = use;
    const at = this.#now();
    const key = `${kind} ${id}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = { written: Number.NEGATIVE_INFINITY, told: Number.NEGATIVE_INFINITY, sources: new Set() };
      this.#known.set(key, known);
    }
    if (at - known.written >= usedMs) {
      known.written = at;
      this.#steps.push(step(kind === 'token' ? 'noteApiTokenUse' : 'noteApplicationKeyUse', { id, at }));
    }
    const { place } = sourceOf(use.source);
    // The latest is last.
    const isNew = !known.sources.delete(place);
    if (!isNew || at - known.told >= usedMs) known.sources.add(place);
    if (isNew && at - known.told >= usedMs) {
      known.told = at;
      for (const oldest of known.sources) {
        if (known.sources.size <= sourcesKnown) break;
        known.sources.delete(oldest);
      }
      this.#audit.push(draftOf(use, at));
    }
    if (this.#steps.length + this.#audit.length === 0) return;
    this.#timer ??= setTimeout(() => this.#write(), gatherMs).unref();
  }

  /** Writes what is gathered, and resolves when it is on disk. */
  async flush(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [steps, audit] = [this.#steps, this.#audit];
    if (steps.length + audit.length === 0) return;
    this.#steps = [];
    this.#audit = [];
    // Where it cannot be written the store is failing, and says so itself.
    this.#writing = this.#store.change({ steps, audit }).then(
      () => undefined,
      () => undefined,
    );
  }
}

function draftOf({ kind, id, organisation, channel, source, persons }: Use, at: number): AuditDraft {
  return {
    organisation,
    at,
    actor: { kind, id },
    channel,
    action: `${kind}.use`,
    target: { kind, id },
    outcome: 'done',
    code: null,
    before: null,
    after: null,
    personal: { of: persons, data: { source } },
  };
}
