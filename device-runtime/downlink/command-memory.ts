import { limits, type ResultMessage } from '@loadline/sdk/contract';
import * as z from 'zod';
import type { Time } from '../clock/index.ts';
import type { StateFile } from './state-file.ts';

/** What became of a command. */
export type Outcome = Pick<ResultMessage, 'outcome' | 'detail'>;

/** Commands that were begun and have not expired, at the most. Each is some hundred bytes, written whole each time. */
const maxBegun = 256;

const begun = z.strictObject({
  id: z.uuid(),
  expires: z.number().int().nonnegative(),
  /** Null: begun, and not known to have ended. */
  outcome: z
    .strictObject({
      outcome: z.enum(['done', 'refused', 'failed', 'expired']),
      detail: z.string().max(300),
    })
    .nullable(),
});
type Begun = z.infer<typeof begun>;

/** What `commands.json` in the state folder holds. */
export const commandState = z.strictObject({
  version: z.literal(1),
  /** What was begun is not known of commands that expire before this, ms since 1970; null: of none. */
  lostUntil: z.number().nullable(),
  begun: z.array(begun).max(maxBegun),
});
export type CommandState = z.infer<typeof commandState>;

/**
 * Which commands were begun: on disk before they are, and until they have expired, so that none is begun twice, not
 * even across a power cut.
 */
export class CommandMemory {
  readonly #file: StateFile<CommandState>;
  readonly #begun = new Map<string, Begun>();
  /** Set while what was there could not be read: nobody knows what was begun before. */
  #lost = false;
  #lostUntil: number | null = null;

  constructor(file: StateFile<CommandState>) {
    this.#file = file;
  }

  /** The ids that were begun in an earlier run and did not end; they count as ended now. */
  async open(): Promise<string[]> {
    const found = await this.#file.read();
    if (found === 'none') return [];
    if (found === 'broken') {
      this.#lost = true;
      return [];
    }
    this.#lostUntil = found.state.lostUntil;
    const open: string[] = [];
    for (const each of found.state.begun) {
      if (each.outcome === null) open.push(each.id);
      const detail = 'begun before a restart of the gateway: whether it was carried out is not known';
      this.#begun.set(each.id, { ...each, outcome: each.outcome ?? { outcome: 'failed', detail } });
    }
    if (open.length > 0) await this.#keep();
    return open;
  }

  /** The ids with what became of them. */
  outcomes(): ReadonlyMap<string, Outcome> {
    const known = [...this.#begun.values()].flatMap(({ id, outcome }) =>
      outcome === null ? [] : [[id, outcome] as const],
    );
    return new Map(known);
  }

  /** What became of a command that was begun; null while it goes on, undefined where it was not begun. */
  outcome(id: string): Outcome | null | undefined {
    return this.#begun.get(id)?.outcome;
  }

  /** Whether a command that expires then may have been begun without this being known any more. */
  async mayHaveBegun(expires: number, now: number): Promise<boolean> {
    if (this.#lost) {
      this.#lost = false;
      // Every command of before the loss has expired by then.
      this.#lostUntil = now + limits.commandMilliseconds + limits.futureMilliseconds;
      await this.#keep();
    }
    return this.#lostUntil !== null && expires <= this.#lostUntil;
  }

  /** Notes that a command is about to be carried out. Resolves with why it must not be, where it cannot be noted. */
  async begin(id: string, expires: number): Promise<string | undefined> {
    if (this.#begun.size >= maxBegun)
      return `${maxBegun} commands that have not expired are remembered already`;
    this.#begun.set(id, { id, expires, outcome: null });
    const fault = await this.#file.write(this.#state());
    if (fault === undefined) return undefined;
    this.#begun.delete(id);
    void this.#keep();
    return `it cannot be remembered: ${fault}`;
  }

  /** What became of it. Where the disk does not take it, it is known until the next start. */
  async end(id: string, outcome: Outcome): Promise<void> {
    const noted = this.#begun.get(id);
    if (noted === undefined) return;
    this.#begun.set(id, { ...noted, outcome });
    await this.#keep();
  }

  /** Forgets what has surely expired and whose result the cloud has; the file follows with the next write. */
  forget(time: Time, isOpen: (id: string) => boolean): void {
    const surely = time.kind === 'known' ? time.wall - time.uncertainty : time.wall;
    for (const { id, expires, outcome } of this.#begun.values()) {
      if (outcome !== null && expires < surely && !isOpen(id)) this.#begun.delete(id);
    }
    if (this.#lostUntil !== null && this.#lostUntil < surely) this.#lostUntil = null;
  }

  #keep(): Promise<void> {
    return this.#file.keep(this.#state());
  }

  #state(): CommandState {
    return { version: 1, lostUntil: this.#lostUntil, begun: [...this.#begun.values()] };
  }
}
