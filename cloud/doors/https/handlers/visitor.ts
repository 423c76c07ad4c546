import { deviceCookie, sessionCookie } from '@loadline/sdk/api';
import type { UserPrincipal } from '../../../access/index.ts';
import { deviceCookieSeconds } from '../../../guard/index.ts';
import type { Unproven, Visitor } from '../../../people/index.ts';
import type { AuditDraft } from '../../../store/index.ts';
import type { Caller, EntryPart, Visit } from '../call.ts';
import { Problem } from '../problem.ts';

/** The request as the rules of people need it. */
export function visitorOf({
  visit,
  entry,
}: {
  readonly visit: Visit;
  readonly entry: (what?: EntryPart) => AuditDraft;
}): Visitor {
  return { source: visit.source, agent: visit.agent, device: visit.cookie(deviceCookie), entry };
}

/** The person whose session it is; a program gets no further. */
export function userOf(caller: Caller): UserPrincipal {
  if (caller.kind === 'user') return caller;
  throw new Problem(403, 'forbidden', 'this is for persons: no API token opens it');
}

/** The token that the caller's session has now. The gate has found him by it. */
export function tokenOf(visit: Visit): string {
  return visit.cookie(sessionCookie) ?? '';
}

/** Gives the browser a session's token, and, after a whole login, what its device is known by. */
export function keepSession(visit: Visit, token: string, device?: string): void {
  visit.setCookie(sessionCookie, token);
  if (device !== undefined) visit.setCookie(deviceCookie, device, deviceCookieSeconds);
}

/** The answer to who has not proven himself: the same for people that there are and that there are not. */
export function unprovenProblem(unproven: Unproven, wrongIs: Problem): Problem {
  switch (unproven.kind) {
    case 'wrong':
      return wrongIs;
    case 'held': {
      const { retryAfterSeconds } = unproven;
      return new Problem(
        429,
        'too-many-attempts',
        `too many attempts: try again in ${retryAfterSeconds} s`,
        retryAfterSeconds,
      );
    }
  }
}

export const wrongLogin = () =>
  new Problem(401, 'unauthenticated', 'e-mail and password do not fit each other');
export const wrongPassword = () => new Problem(401, 'unauthenticated', 'this is not your password');
export const wrongCode = () =>
  new Problem(403, 'second-factor-refused', 'the code is wrong, used up, or too old: wait for the next one');
export const badLink = () =>
  new Problem(404, 'link-invalid', 'the link is wrong, used up, or too old: ask for a new one');
export const weakPassword = (reason: string) => new Problem(422, 'password-weak', reason);
export const overtaken = () =>
  new Problem(409, 'conflict', 'the account was changed meanwhile: look again, and log in if asked');
