import * as z from 'zod';

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
