import type { Secret } from '@loadline/sdk/platform';
import type { Guard, Permit } from '../guard/index.ts';
import { TooManyWaiting } from './bounded.ts';
import { isPassword } from './passwords.ts';
import type { Unproven, Visitor } from './visitor.ts';
import { wrong } from './visitor.ts';

/** A password that somebody gave for an address. */
export interface Claim {
  readonly email: string;
  readonly password: Secret;
  /** That of the account; undefined where there is none, or none has been set. */
  readonly passwordHash: string | undefined;
}

/** `permit`: what the guard let through; it says whether the device is known. */
export type Proof = { readonly kind: 'right'; readonly permit: Permit } | Unproven;

/**
 * Asks the guard, then for the password, and tells the guard what came of it. For an account that is not there, one
 * without a password and a wrong password it does the same, and says the same.
 */
export async function provePassword(guard: Guard, claim: Claim, visitor: Visitor): Promise<Proof> {
  const answer = guard.ask({
    subject: { kind: 'account', name: claim.email },
    source: visitor.source,
    ...(visitor.device !== undefined && { device: visitor.device }),
  });
  if (!answer.go) return { kind: 'held', retryAfterSeconds: answer.retryAfterSeconds };
  try {
    if (await isPassword(claim.passwordHash, claim.password.reveal())) {
      guard.succeeded(answer.permit);
      return { kind: 'right', permit: answer.permit };
    }
  } catch (error) {
    guard.undecided(answer.permit);
    if (error instanceof TooManyWaiting) return { kind: 'held', retryAfterSeconds: 1 };
    throw error;
  }
  guard.failed(answer.permit);
  return wrong;
}
