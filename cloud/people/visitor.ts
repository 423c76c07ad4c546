import type { AuditDraft } from '../store/index.ts';

/** The request behind what somebody does here, as far as these rules need it. */
export interface Visitor {
  /** The network address it came from. */
  readonly source: string;
  /** The program it came from, as it says itself. */
  readonly agent: string;
  /** The value of the device cookie, where there is one. */
  readonly device: string | undefined;
  /** An entry of the audit log for the request: what is not said is the request's own. */
  readonly entry: (
    what?: Partial<
      Pick<
        AuditDraft,
        'organisation' | 'actor' | 'action' | 'target' | 'outcome' | 'code' | 'before' | 'after' | 'personal'
      >
    >,
  ) => AuditDraft;
}

/** Why nothing was done that needed a password or a code; the same for people that there are and that there are not. */
export type Unproven =
  | { readonly kind: 'wrong' }
  /** Not even looked at: `retryAfterSeconds` is whole, at least 1. */
  | { readonly kind: 'held'; readonly retryAfterSeconds: number };

export const wrong = { kind: 'wrong' } as const;

/** A code of the audit log for it. */
export function codeOf(unproven: Unproven): 'unauthenticated' | 'too-many-attempts' {
  return unproven.kind === 'wrong' ? 'unauthenticated' : 'too-many-attempts';
}
