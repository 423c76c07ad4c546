import type { AuditParty } from '@loadline/sdk/audit';
import { sourceOf } from '../guard/index.ts';
import type { AuditDraft, Store } from '../store/index.ts';

/** Somebody proved who he is, or failed to. */
export interface Authentication {
  /** In whose chain it stands: that of the organisation concerned, or the fleet's where it is nobody's (null). */
  readonly organisation: string | null;
  readonly channel: 'https' | 'mqtt' | 'socket';
  /** `session.create`, or `<credential>.use` where no session begins by it. */
  readonly action: string;
  /** Who was let in; undefined where it was refused: then nobody has been proven. */
  readonly actor?: AuditParty;
  /** Whose credential it is, where that is known; what was only claimed is not kept. */
  readonly target: AuditParty | null;
  /** Why it was refused, for the audit log only; null where it was not. */
  readonly code: string | null;
  /** The address it came from. */
  readonly source: string;
  /** Ids of the persons whose address that may be. */
  readonly persons: readonly string[];
}

/** How long those of one kind are gathered, in ms. */
const windowMs = 60_000;

/** How many of one kind have an entry of their own in that time. Those that follow are one, with their number. */
const oneByOne = { done: 3, refused: 1 } as const;

/** Kinds of refused ones that are told apart at a time in one chain; what comes beyond them is one kind. */
const mostRefused = 64;

/** Addresses that an entry with a number names. */
const mostSources = 8;

interface Window {
  readonly key: string;
  readonly of: Authentication;
  readonly since: number;
  /** Entries so far. */
  told: number;
  /** How many came since the last entry. */
  untold: number;
  /** Where those came from, the latest last. */
  readonly sources: Set<string>;
}

/**
 * Writes authentications into the audit log such that neither a link that flaps nor a flood of refused attempts can fill
 * it: the first at once, each as an entry, and those that follow within the minute as one with their number. However
 * many come, from wherever, a chain grows by a bounded number of entries a minute for each credential that is good, and
 * by a bounded number for all that are not. None is left out of the count. Nobody waits for it.
 */
export class Authentications {
  readonly #store: Pick<Store, 'change'>;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();
  /** How many of these are of refused ones, by chain. */
  readonly #refused = new Map<string | null, number>();
  readonly #timer: NodeJS.Timeout;
  #gathered: AuditDraft[] = [];
  #writing: Promise<void> | undefined;

  /** `now`: ms since 1970. */
  constructor({ store, now }: { store: Pick<Store, 'change'>; now: () => number }) {
    this.#store = store;
    this.#now = now;
    this.#timer = setInterval(() => this.tick(), 1000);
    this.#timer.unref();
  }

  add(what: Authentication): void {
    const at = this.#now();
    const window = this.#windowOf(what, at);
    if (window.told < oneByOne[outcomeOf(what)]) {
      window.told += 1;
      this.#gathered.push(draftOf(window.of, at, 1, [what.source]));
      // What comes in one turn of the loop is one change.
      if (this.#gathered.length === 1) setImmediate(() => this.#write());
      return;
    }
    window.untold += 1;
    window.sources.delete(what.source);
    window.sources.add(what.source);
    const [oldest] = window.sources;
    if (window.sources.size > mostSources && oldest !== undefined) window.sources.delete(oldest);
  }

  /** Attempts that are in no entry yet: they are counted, and told when their minute is over. */
  get waiting(): number {
    let count = this.#gathered.length;
    for (const { untold } of this.#windows.values()) count += untold;
    return count;
  }

  /** Tells of what was counted, where its minute is over. */
  tick(): void {
    const now = this.#now();
    for (const window of this.#windows.values()) {
      const elapsed = now - window.since;
      // A clock that was set back must not keep it open.
      if (elapsed >= windowMs || elapsed < 0) this.#end(window, now);
    }
    this.#write();
  }

  /** Tells of everything that was counted, and resolves when it is on disk. */
  async flush(): Promise<void> {
    const now = this.#now();
    for (const window of this.#windows.values()) this.#end(window, now);
    this.#write();
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #windowOf(what: Authentication, at: number): Window {
    const own = this.#windows.get(keyOf(what));
    if (own !== undefined) return own;
    const { organisation } = what;
    const isRefused = outcomeOf(what) === 'refused';
    const refused = this.#refused.get(organisation) ?? 0;
    const of =
      isRefused && refused >= mostRefused
        ? { ...what, target: null, code: 'too-many-attempts', source: '', persons: [] }
        : what;
    const key = keyOf(of);
    const others = this.#windows.get(key);
    if (others !== undefined) return others;
    const window: Window = { key, of, since: at, told: 0, untold: 0, sources: new Set() };
    this.#windows.set(key, window);
    if (isRefused) this.#refused.set(organisation, refused + 1);
    return window;
  }

  #end({ key, of, untold, sources }: Window, now: number): void {
    this.#windows.delete(key);
    if (outcomeOf(of) === 'refused') {
      const left = (this.#refused.get(of.organisation) ?? 0) - 1;
      if (left > 0) this.#refused.set(of.organisation, left);
      else this.#refused.delete(of.organisation);
    }
    if (untold > 0) this.#gathered.push(draftOf(of, now, untold, [...sources]));
  }

  /** One change at a time: what comes meanwhile is one more. */
  #write(): void {
    const audit = this.#gathered;
    if (audit.length === 0 || this.#writing !== undefined) return;
    this.#gathered = [];
    // Where it cannot be written the store is failing, and says so itself.
    const written = () => {
      this.#writing = undefined;
      this.#write();
    };
    this.#writing = this.#store.change({ steps: [], audit }).then(written, written);
  }
}

function outcomeOf({ code }: Authentication): 'done' | 'refused' {
  return code === null ? 'done' : 'refused';
}

/**
 * What is one kind. Refused ones are told apart by where they came from, since that is all that is known of who tried;
 * who has the right credential is known, and may come from everywhere.
 */
function keyOf(what: Authentication): string {
  const { organisation, channel, action, target, code, source } = what;
  const from = code === null || source === '' ? '' : sourceOf(source).place;
  return JSON.stringify([organisation, channel, action, target?.kind, target?.id, code, from]);
}

function draftOf(of: Authentication, at: number, attempts: number, sources: readonly string[]): AuditDraft {
  const { organisation, channel, action, actor, target, code, persons } = of;
  const source = sources.at(-1);
  const data = sources.length > 1 ? { source, sources } : { source };
  return {
    organisation,
    at,
    actor: actor ?? { kind: 'nobody', id: '' },
    channel,
    action,
    target,
    outcome: outcomeOf(of),
    code,
    before: null,
    after: { attempts },
    personal: of.source === '' ? null : { of: persons, data },
  };
}
