import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';

/** An e-mail address, or, of accounts from before addresses were asked for, a name. */
export const email = z.string().trim().toLowerCase().min(1).max(254);
const password = z.string().min(1).max(1024);
const personName = z.string().trim().min(1).max(200);
/** The secret of a link that came by mail: it stands in the link's fragment. */
const linkSecret = z.string().min(1).max(200);
const factorCode = z.string().trim().min(6).max(40);

/** What a person is in one organisation, as the API says it. */
const standingReply = z.object({
  organisation: z.object({ id: z.string(), name: z.string() }),
  role: z.string(),
  scopes: z.array(z.string()),
  reach: z.enum(['organisation', 'departments', 'customer']),
  departments: z.array(z.string()),
  customer: z.string().nullable(),
  /** By a grant to a fleet operator, until then; null for a member. */
  grantedUntil: z.string().nullable(),
  /** The organisation asks for a second factor that this person has not enabled: nothing opens until he has. */
  secondFactorMissing: z.boolean(),
});

const callerReply = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('user'),
    id: z.string(),
    email: z.string(),
    name: z.string(),
    /** `second-factor`: the session still lacks its second factor, and opens nothing else. */
    state: z.enum(['open', 'second-factor']),
    secondFactor: z.boolean(),
    /** Scopes above organisations: of a fleet operator. */
    fleet: z.array(z.string()),
    standings: z.array(standingReply),
    expires: z.string(),
  }),
  z.object({
    kind: z.literal('token'),
    id: z.string(),
    name: z.string(),
    standing: standingReply,
    expires: z.string(),
  }),
]);

const sessionState = z.object({ state: z.enum(['open', 'second-factor']) });

const sessionReply = z.object({
  id: z.string(),
  current: z.boolean(),
  created: z.string(),
  seen: z.string(),
  expires: z.string(),
  source: z.string(),
  agent: z.string(),
});

export const sessionOperations = {
  setUp: {
    method: 'POST',
    path: '/setup',
    opens: 'public',
    summary: 'Make the first operator and organisation, by the one-time link that the first start printed',
    body: z.strictObject({
      secret: linkSecret,
      email,
      name: personName,
      password,
      organisation: z.strictObject({
        id: pathParameters.organisation,
        name: z.string().trim().min(1).max(200),
      }),
    }),
    status: 204,
    refuses: ['link-invalid', 'password-weak', 'conflict', 'too-many-attempts'],
  },
  logIn: {
    method: 'POST',
    path: '/session',
    opens: 'public',
    summary: 'Log in: opens a session, in a cookie',
    body: z.strictObject({ email, password }),
    status: 200,
    reply: sessionState,
    refuses: ['unauthenticated', 'too-many-attempts'],
  },
  getCaller: {
    method: 'GET',
    path: '/session',
    opens: 'caller',
    summary: 'Read who one is, and what one may do where',
    status: 200,
    reply: callerReply,
  },
  logOut: {
    method: 'DELETE',
    path: '/session',
    opens: 'public',
    summary: 'Log out',
    status: 204,
  },
  confirmSecondFactor: {
    method: 'POST',
    path: '/session/second-factor',
    opens: 'caller',
    summary: 'Give the second factor: a code of the authenticator, or a recovery code',
    body: z.strictObject({ code: factorCode }),
    status: 200,
    reply: sessionState,
    refuses: ['second-factor-refused', 'conflict', 'too-many-attempts'],
  },
  requestSecondFactorReset: {
    method: 'POST',
    path: '/session/second-factor/reset',
    opens: 'caller',
    summary: 'Say that the second factor is lost: it is reset after a stated delay, unless its owner objects',
    status: 202,
    reply: z.object({ takesEffect: z.string() }),
    refuses: ['conflict'],
  },
  keepSecondFactor: {
    method: 'POST',
    path: '/kept-second-factors',
    opens: 'public',
    summary: 'Stop a reset of the second factor, by the link of the mail that announced it',
    body: z.strictObject({ secret: linkSecret }),
    status: 204,
    refuses: ['link-invalid'],
  },
  requestPasswordReset: {
    method: 'POST',
    path: '/password-resets',
    opens: 'public',
    summary: 'Ask for a link to set a new password; the answer is the same for every address',
    body: z.strictObject({ email }),
    status: 202,
    refuses: ['too-many-attempts'],
  },
  readLink: {
    method: 'POST',
    path: '/password-links',
    opens: 'public',
    summary: 'Read whom a set-password link is for, without using it up',
    body: z.strictObject({ secret: linkSecret }),
    status: 200,
    reply: z.object({
      email: z.string(),
      name: z.string(),
      purpose: z.enum(['set', 'reset']),
      expires: z.string(),
    }),
    refuses: ['link-invalid', 'too-many-attempts'],
  },
  setPassword: {
    method: 'POST',
    path: '/passwords',
    opens: 'public',
    summary: 'Set a password by a one-time link; every session of the person ends',
    body: z.strictObject({ secret: linkSecret, password }),
    status: 204,
    refuses: ['link-invalid', 'password-weak', 'too-many-attempts'],
  },
} as const satisfies Record<string, Operation>;

/** What is a person's own: a session opens it, and no token ever does. */
export const profileOperations = {
  patchProfile: {
    method: 'PATCH',
    path: '/user',
    opens: 'self',
    summary: "Change one's name",
    body: z.strictObject({ name: personName }),
    status: 204,
  },
  changePassword: {
    method: 'PUT',
    path: '/user/password',
    opens: 'self',
    summary: "Change one's password; every other session ends",
    body: z.strictObject({ current: password, password }),
    status: 204,
    refuses: ['unauthenticated', 'password-weak', 'conflict', 'too-many-attempts'],
  },
  listOwnSessions: {
    method: 'GET',
    path: '/user/sessions',
    opens: 'self',
    summary: "List one's sessions",
    query: pageQuery,
    status: 200,
    reply: page(sessionReply),
  },
  endOwnSession: {
    method: 'DELETE',
    path: '/user/sessions/:session',
    opens: 'self',
    summary: "End one of one's sessions",
    status: 204,
  },
  cutOffSelf: {
    method: 'POST',
    path: '/user/cut-off',
    opens: 'self',
    summary: 'End every other session and every API token of one’s own that is older than now',
    status: 204,
  },
  beginSecondFactor: {
    method: 'POST',
    path: '/user/second-factor',
    opens: 'self',
    summary:
      'Begin to enable a second factor (TOTP, RFC 6238): a secret, not in force until a right code has come',
    body: z.strictObject({ password }),
    status: 200,
    reply: z.object({ secret: z.string(), uri: z.string() }),
    refuses: ['unauthenticated', 'conflict', 'too-many-attempts'],
  },
  enableSecondFactor: {
    method: 'PUT',
    path: '/user/second-factor',
    opens: 'self',
    summary: 'Enable the second factor by a right code; answers with recovery codes, shown this once',
    body: z.strictObject({ code: factorCode }),
    status: 200,
    reply: z.object({ recoveryCodes: z.array(z.string()) }),
    refuses: ['second-factor-refused', 'conflict', 'too-many-attempts'],
  },
  renewRecoveryCodes: {
    method: 'POST',
    path: '/user/second-factor/recovery-codes',
    opens: 'self',
    summary: 'Make new recovery codes; those before end',
    body: z.strictObject({ code: factorCode }),
    status: 200,
    reply: z.object({ recoveryCodes: z.array(z.string()) }),
    refuses: ['second-factor-refused', 'conflict', 'too-many-attempts'],
  },
  disableSecondFactor: {
    method: 'DELETE',
    path: '/user/second-factor',
    opens: 'self',
    summary: 'Disable the second factor',
    body: z.strictObject({ password, code: factorCode }),
    status: 204,
    refuses: ['unauthenticated', 'second-factor-refused', 'conflict', 'too-many-attempts'],
  },
  cancelSecondFactorReset: {
    method: 'DELETE',
    path: '/user/second-factor/reset',
    opens: 'self',
    summary: 'Stop a reset of the second factor that somebody asked for',
    status: 204,
  },
  listInvitations: {
    method: 'GET',
    path: '/user/invitations',
    opens: 'self',
    summary: 'List the organisations that have invited one: one is nothing there before one accepts',
    query: pageQuery,
    status: 200,
    reply: page(
      z.object({
        organisation: z.object({ id: z.string(), name: z.string() }),
        role: z.string(),
        invited: z.string(),
      }),
    ),
  },
  acceptInvitation: {
    method: 'POST',
    path: '/user/invitations/:organisation',
    opens: 'self',
    summary:
      'Accept to be what an organisation has invited one to be: its administrators see name and logins then',
    status: 204,
  },
  declineInvitation: {
    method: 'DELETE',
    path: '/user/invitations/:organisation',
    opens: 'self',
    summary: 'Decline the invitation of an organisation',
    status: 204,
  },
  leaveOrganisation: {
    method: 'DELETE',
    path: '/user/memberships/:organisation',
    opens: 'self',
    summary: 'Leave an organisation: the membership ends, and the API tokens that one made there',
    status: 204,
    refuses: ['last-administrator', 'conflict'],
  },
  exportProfile: {
    method: 'GET',
    path: '/user/export',
    opens: 'self',
    summary: 'Export all that is kept of oneself',
    status: 200,
    reply: z.record(z.string(), z.unknown()),
  },
  eraseSelf: {
    method: 'DELETE',
    path: '/user',
    opens: 'self',
    summary: 'Erase oneself: the account ends, the audit log keeps a pseudonym',
    body: z.strictObject({ password }),
    status: 204,
    refuses: ['unauthenticated', 'last-administrator', 'too-many-attempts'],
  },
} as const satisfies Record<string, Operation>;
