import { LRUCache } from 'lru-cache';
import { type Step, type Store, step } from '../store/index.ts';

/** How far behind the time of the last use may be, in ms: a write for each request is too many. */
const usedMs = 60_000;

/** Tokens and keys of which it is remembered when that was written. */
const mostKnown = 20_000;

/** How long uses are gathered before they are written, in ms. */
const gatherMs = 500;

/** The step that notes the use of each kind. */
const notes = {
  token: 'noteApiTokenUse',
  'application-key': 'noteApplicationKeyUse',
  'device-credential': 'noteDeviceCredentialUse',
} as const;

/** Keeps when tokens and keys were last used, at most once a minute each. Nobody waits for it. */
export class Uses {
  readonly #store: Pick<Store, 'change'>;
  readonly #now: () => number;
  readonly #written = new LRUCache<string, number>({ max: mostKnown });
  #steps: Step[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `now`: ms since 1970. */
  constructor({ store, now }: { store: Pick<Store, 'change'>; now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  /** It was used, and was good. */
  note({ kind, id }: { readonly kind: keyof typeof notes; readonly id: string }): void {
    const at = this.#now();
    const key = `${kind} ${id}`;
    if (at - (this.#written.get(key) ?? Number.NEGATIVE_INFINITY) < usedMs) return;
    this.#written.set(key, at);
    this.#steps.push(step(notes[kind], { id, at }));
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
    const steps = this.#steps;
    if (steps.length === 0) return;
    this.#steps = [];
    // Where it cannot be written the store is failing, and says so itself.
    this.#writing = this.#store.change({ steps, audit: [] }).then(
      () => undefined,
      () => undefined,
    );
  }
}
