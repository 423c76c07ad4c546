import type { Standing } from '../access/index.ts';
import { type AdministrationRow, type AuditDraft, type Step, type Store, step } from '../store/index.ts';

/** Why something was not done, in words for who asked for it. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: 'conflict' | 'last-administrator' | 'more-than-own' | 'not-found' | 'request-invalid';
  readonly detail: string;
}

export function refused(code: Refusal['code'], detail: string): Refusal {
  return { kind: 'refused', code, detail };
}

/** It was done, or it was refused and nothing has changed. */
export type Result<T> = { readonly kind: 'done'; readonly value: T } | Refusal;

/** An entry of the audit log for the request at hand: what is not said is the request's own. */
export type Entry = (
  what?: Partial<
    Pick<
      AuditDraft,
      'organisation' | 'target' | 'outcome' | 'code' | 'before' | 'after' | 'personal' | 'action'
    >
  >,
) => AuditDraft;

/** Who changes something in an organisation, and as what. */
export interface Editor {
  readonly standing: Standing;
  /** What he is by now; undefined where nothing any more. */
  readonly again: () => Promise<Standing | undefined>;
  /** The opaque id of the person: of a program, who made its token. */
  readonly person: string;
  readonly entry: Entry;
}

/** Who changes something of the fleet. */
export type FleetEditor = Omit<Editor, 'standing' | 'again'>;

/** A change that was judged to be right. */
export interface Plan<T> {
  readonly steps: readonly Step[];
  readonly audit: readonly AuditDraft[];
  readonly value: T;
  /** What it means where a step is refused; `again`: what was judged by has changed, and is to be read anew. */
  readonly otherwise: Refusal | 'again';
}

/** How often a change is judged anew, because others were quicker, before it is given up. */
const mostAttempts = 20;

/**
 * Takes changes of what people are in organisations. Each is judged by what was read, and made only if nothing else was
 * changed since: of two administrators who demote each other at once, one is too late.
 */
export class Administration {
  readonly #store: Store;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; now: () => number }) {
    this.#store = parts.store;
    this.#now = parts.now;
  }

  /** What changes in an organisation are judged by. */
  async state(organisation: string): Promise<AdministrationRow> {
    const state = await this.#store.read('administration', { organisation, now: this.#now() });
    if (state === undefined) throw new Error(`there is no organisation ${organisation}`);
    return state;
  }

  /**
   * Judges a change and makes it. Who asks for it is judged as what he is by then: a request that was let in and came
   * slowly has no more force than its sender. Attempts at more than somebody may are in the audit log, too.
   */
  async change<T>(
    { standing: asked, again, entry }: Editor,
    target: AuditDraft['target'],
    judge: (state: AdministrationRow, standing: Standing) => Promise<Plan<T> | Refusal> | Plan<T> | Refusal,
  ): Promise<Result<T>> {
    const organisation = asked.organisation.id;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const state = await this.state(organisation);
      // After the state: where he was changed before that, he is seen so; where since, the state is too old to write.
      const standing = await again();
      if (standing === undefined) return refused('not-found', 'there is no such thing');
      const plan = await judge(state, standing);
      if ('kind' in plan) return await this.#refuse(plan, entry, target);
      const { revision } = state.organisation;
      const changed = await this.#store.change({
        steps: [step('advanceOrganisation', { organisation, revision }, 'some'), ...plan.steps],
        audit: plan.audit,
      });
      if (changed.done) {
        return { kind: 'done', value: plan.value };
      }
      if (changed.step > 0 && plan.otherwise !== 'again') return plan.otherwise;
    }
    return refused('conflict', 'others are changing the same just now: try again');
  }

  async #refuse(refusal: Refusal, entry: Entry, target: AuditDraft['target']): Promise<Refusal> {
    if (refusal.code === 'more-than-own' || refusal.code === 'last-administrator') {
      await this.#store.change({
        steps: [],
        audit: [entry({ target, outcome: 'refused', code: refusal.code })],
      });
    }
    return refusal;
  }
}
