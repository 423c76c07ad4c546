import { sourceOf } from '../guard/index.ts';
import type { AuditDraft, Store } from '../store/index.ts';

/** An attempt to use a token or a key that came to nothing. */
export interface RefusedUse {
  readonly kind: 'token' | 'application-key';
  readonly channel: 'https' | 'mqtt';
  /** The address it came from. */
  readonly source: string;
  /** Why; for the audit log only. */
  readonly code: string;
  /** Which one it was, and whose, where that is known; what was only claimed is not kept. */
  readonly of: {
    readonly organisation: string;
    readonly id: string;
    readonly persons: readonly string[];
  } | null;
}

/** How long refusals of one kind from one source are one entry, in ms. */
const windowMs = 60_000;

/** Windows open at a time; what comes beyond them is one entry, whatever and from wherever it is. */
const mostWindows = 64;

interface Window {
  readonly first: RefusedUse;
  readonly since: number;
  /** Refusals since the last entry. */
  untold: number;
}

/**
 * Writes refused uses into the audit log: the first at once, and those that follow within a minute as one entry with
 * their number. However many come, from however many sources, the log grows by a bounded number of entries a minute.
 */
export class Refusals {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();
  readonly #timer: NodeJS.Timeout;
  #gathered: AuditDraft[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** `now`: ms since 1970. */
  constructor({ store, now }: { store: Store; now: () => number }) {
    this.#store = store;
    this.#now = now;
    this.#timer = setInterval(() => this.tick(), 1000);
    this.#timer.unref();
  }

  add(use: RefusedUse): void {
    const now = this.#now();
    const { kind, channel, code, of } = use;
    const whole = [
      kind,
      channel,
      code,
      of?.organisation ?? '',
      of?.id ?? '',
      sourceOf(use.source).place,
    ].join(' ');
    const crowded = !this.#windows.has(whole) && this.#windows.size >= mostWindows;
    const key = crowded ? `others ${kind} ${channel}` : whole;
    const window = this.#windows.get(key);
    if (window !== undefined) {
      window.untold += 1;
      return;
    }
    const first = crowded ? { ...use, source: '', code: 'too-many-attempts', of: null } : use;
    this.#windows.set(key, { first, since: now, untold: 0 });
    this.#gathered.push(draftOf(first, now, 1));
    // What comes in one turn of the loop is one change.
    if (this.#gathered.length === 1) setImmediate(() => this.#write());
  }

  /** Tells of what was counted, where its minute is over. */
  tick(): void {
    const now = this.#now();
    for (const [key, window] of this.#windows) {
      if (now - window.since >= windowMs) this.#end(key, window, now);
    }
    this.#write();
  }

  /** Tells of everything that was counted, and resolves when it is on disk. */
  async flush(): Promise<void> {
    const now = this.#now();
    for (const [key, window] of this.#windows) this.#end(key, window, now);
    this.#write();
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #end(key: string, { first, untold }: Window, now: number): void {
    this.#windows.delete(key);
    if (untold > 0) this.#gathered.push(draftOf(first, now, untold));
  }

  #write(): void {
    const audit = this.#gathered;
    if (audit.length === 0) return;
    this.#gathered = [];
    // Where it cannot be written the store is failing, and says so itself.
    this.#writing = this.#store.change({ steps: [], audit }).then(
      () => undefined,
      () => undefined,
    );
  }
}

function draftOf({ kind, channel, source, code, of }: RefusedUse, at: number, attempts: number): AuditDraft {
  return {
    organisation: of?.organisation ?? null,
    at,
    actor: { kind: 'nobody', id: '' },
    channel,
    action: `${kind}.use`,
    target: of === null ? null : { kind, id: of.id },
    outcome: 'refused',
    code,
    before: null,
    after: { attempts },
    personal: source === '' ? null : { of: of?.persons ?? [], data: { source } },
  };
}
