import * as z from 'zod';
import type { Code } from '../contract/index.ts';

/** Problem details (RFC 9457); `code` is one of `codes` of sdk/contract. */
export const problemReply = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
});

/** The cookie of a session: bound to the host by its prefix (RFC 6265bis, section 4.1.3.2). */
export const sessionCookie = '__Host-loadline-session';
/** The cookie by which a person's usual device is known at login. */
export const deviceCookie = '__Host-loadline-device';

/** HTTP status of each code that an operation may refuse with; a body that is too long is `request-invalid` as 413. */
export const statusOf = {
  'request-invalid': 400,
  'request-malformed': 400,
  unauthenticated: 401,
  'second-factor-required': 403,
  'second-factor-refused': 403,
  forbidden: 403,
  'more-than-own': 403,
  'origin-refused': 403,
  'not-found': 404,
  'link-invalid': 404,
  conflict: 409,
  'too-many-commands': 409,
  'last-administrator': 409,
  'precondition-failed': 412,
  'password-weak': 422,
  'too-many-attempts': 429,
  'rate-limited': 429,
  'quota-exceeded': 429,
  internal: 500,
} as const satisfies Partial<Record<Code, number>>;

export type RefusalCode = keyof typeof statusOf;
