import { type Operation, operations, statusOf } from '@loadline/sdk/api';
import { type Answer, codeOf } from '../inhabited/caller.ts';
import type { Role, Site } from '../inhabited/site.ts';
import { Place } from './place.ts';
import { samples } from './samples.ts';
import { type Case, isAdmittedOnly, isUnsafe, type Letter } from './table.ts';

/** A condition that holds for nothing: an operation that admits its caller answers it with 412, and does nothing. */
const never = { 'if-match': '"never"' };

/** A case as one role calls it. `isFresh`: on things made for this call alone. */
export interface Attempt {
  readonly input: object;
  readonly send: () => Promise<Answer>;
}

/** Readies a case for a role: what it needs is made now, and called is it by `send`. */
export async function ready(
  site: Site,
  { operation, attempt, part }: Case,
  { role, isFresh, isAsked }: { role: Role; isFresh: boolean; isAsked: boolean },
): Promise<Attempt> {
  const home = role === 'without-factor' ? 'careful' : 'first';
  const place = new Place({ site, home, part, role, isFresh });
  const way = samples[operation][attempt] as (place: Place) => object | Promise<object>;
  const input = await way(place);
  const headers = isUnsafe(operation) && (isAdmittedOnly(operation) || isAsked) ? never : {};
  return { input, send: () => site.callers[role].call(operation, input as never, headers) };
}

/** The letter of an answer. @throws Error where it has none */
export function letterOf({ operation }: Pick<Case, 'operation'>, answer: Answer): Letter {
  const { status } = answer;
  if (status === (operations[operation] as Operation).status) return '+';
  if (status >= 500) return '!';
  const code = codeOf(answer);
  if (code !== undefined && Object.hasOwn(statusOf, code)) {
    const letter = byCode[code];
    if (letter !== undefined) return letter;
  }
  throw new Error(`${operation}: there is no letter for ${status} ${answer.body.slice(0, 300)}`);
}

const byCode: Readonly<Record<string, Letter>> = {
  'precondition-failed': 'a',
  forbidden: '-',
  'not-found': '.',
  'more-than-own': 'm',
  'second-factor-required': 'f',
  conflict: 'c',
  'request-invalid': 'i',
  'last-administrator': 'l',
};
