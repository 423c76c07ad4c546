import * as z from 'zod';
import { socketPolicies } from '../../contract/index.ts';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';
import { scopePatterns } from '../scopes.ts';
import { email } from './session.ts';

const organisation = '/organisations/:organisation';
/** Requests a minute by which one source may have mails sent to addresses of its choice. */
const invitationsPerMinute = 30;

const users = `${organisation}/users`;
const label = z.string().trim().min(1).max(200);

/** Whom an organisation asks for a second factor. */
const secondFactorPolicy = z
  .enum(['not-required', 'administrators', 'everyone'])
  .describe('whom the organisation asks for a second factor');
/** Which devices somebody who acts for departments sees: `basic` those and unassigned ones, `strict` those only. */
const isolation = z
  .enum(['basic', 'strict'])
  .describe('whether who acts for departments sees unassigned devices too (basic), or not (strict)');

/** What an organisation lets in over sockets: nothing, until it says so. */
const sockets = z
  .enum(socketPolicies)
  .describe(
    'what comes in over sockets: nothing (off); over TLS (tls); besides, signed lines over TCP and UDP (signed); besides, ' +
      'tokens over TCP and UDP, which whoever listens on the way then has (all)',
  );

/** Whether its gateways are updated. */
const updates = z
  .enum(['on', 'paused'])
  .describe('whether its gateways are offered other releases than they run');

const organisationReply = z.object({
  id: z.string(),
  name: z.string(),
  isolation,
  secondFactor: secondFactorPolicy,
  /** Days an API token may live at most. */
  tokenDays: z.number(),
  /** Days the audit log is kept. */
  auditDays: z.number(),
  /** Days that readings are kept; null: for ever. */
  readingsDays: z.number().nullable(),
  /** Days after its end within which a gateway may still renew its certificate by it. */
  certificateGraceDays: z.number(),
  sockets,
  updates,
  /** Sessions and tokens from before it have ended; null where there was none. */
  cutOff: z.string().nullable(),
  created: z.string(),
});

/**
 * What somebody is in an organisation. `reach` says it in so many words, so that taking away the last department never
 * widens it: `departments` with an empty list sees unassigned devices (basic) or none (strict).
 */
const membership = {
  role: pathParameters.role,
  reach: z
    .enum(['organisation', 'departments', 'customer'])
    .describe('how far he sees: all of it, his departments, or one customer'),
  departments: z.array(pathParameters.department).max(100),
  customer: pathParameters.customer.nullable(),
};

const memberReply = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: z.string(),
  reach: membership.reach,
  departments: z.array(z.string()),
  customer: z.string().nullable(),
  /**
   * Whether a password has been set, and a second factor enabled: false, as of a new person, until somebody has accepted
   * the invitation.
   */
  hasPassword: z.boolean(),
  secondFactor: z.boolean(),
  created: z.string(),
});

const roleReply = z.object({
  id: z.string(),
  name: z.string(),
  /** Of every organisation, and not to be changed. */
  builtIn: z.boolean(),
  of: z.enum(['organisation', 'customer']),
  scopes: z.array(z.string()),
});
const roleScopes = z
  .array(
    z.enum(
      scopePatterns as [string, ...string[]],
      'not a scope, nor a pattern of scopes: docs/api.md has all',
    ),
  )
  .max(200)
  .describe('scopes or patterns of them, such as all.read');

const namedReply = z.object({ id: z.string(), name: z.string() });
const namedBody = z.strictObject({ name: label });

const grantReply = z.object({
  id: z.string(),
  operator: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  role: z.string(),
  reason: z.string(),
  created: z.string(),
  expires: z.string(),
});

export const organisationOperations = {
  getOrganisation: {
    method: 'GET',
    path: organisation,
    opens: 'organisation.get',
    summary: "Read an organisation's name and policies",
    status: 200,
    reply: organisationReply,
  },
  patchOrganisation: {
    method: 'PATCH',
    path: organisation,
    opens: 'organisation.patch',
    summary: "Change an organisation's name and policies",
    body: z.strictObject({
      name: label.optional(),
      isolation: isolation.optional(),
      secondFactor: secondFactorPolicy.optional(),
      tokenDays: z.number().int().min(1).max(365).optional().describe('days an API token may live at most'),
      auditDays: z.number().int().min(30).max(3650).optional().describe('days the audit log is kept'),
      sockets: sockets.optional(),
      updates: updates.optional(),
      readingsDays: z
        .number()
        .int()
        .min(1)
        .max(36_500)
        .nullable()
        .optional()
        .describe('days that readings are kept; null: for ever. Of single series patchSeries says otherwise'),
      certificateGraceDays: z
        .number()
        .int()
        .min(0)
        .max(400)
        .optional()
        .describe(
          'days after its end within which a gateway may still renew its certificate by it; 0: a technician has to come',
        ),
    }),
    status: 200,
    reply: organisationReply,
  },
  cutOffOrganisation: {
    method: 'POST',
    path: `${organisation}/cut-off`,
    opens: 'organisation.cut-off',
    summary: 'End, in this organisation, every session and API token that is older than now',
    status: 204,
  },
  listUsers: {
    method: 'GET',
    path: users,
    opens: 'users.get',
    summary: 'List the people of an organisation, and what they are in it',
    query: pageQuery.extend({
      email: z.string().max(254).optional(),
      role: pathParameters.role.optional(),
      department: pathParameters.department.optional(),
      customer: pathParameters.customer.optional(),
    }),
    status: 200,
    reply: page(memberReply),
  },
  createUser: {
    method: 'POST',
    path: users,
    opens: 'users.create',
    summary: 'Take a person into an organisation; a set-password link goes to a new one by mail',
    description:
      'One who has an account already is told by mail. The answer does not say which of the two it was. An address gets three such mails an hour, from whomever: where none goes out, send it later (inviteUser).',
    perMinute: invitationsPerMinute,
    body: z.strictObject({
      email,
      name: label,
      ...membership,
      departments: membership.departments.default([]),
      customer: membership.customer.default(null),
    }),
    status: 201,
    reply: memberReply,
    refuses: ['conflict', 'more-than-own'],
  },
  getUser: {
    method: 'GET',
    path: `${users}/:user`,
    opens: 'user.get',
    summary: 'Read what a person is in an organisation',
    status: 200,
    reply: memberReply,
  },
  patchUser: {
    method: 'PATCH',
    path: `${users}/:user`,
    opens: 'user.patch',
    summary: "Change a person's role, reach, departments or customer",
    body: z.strictObject(membership).partial(),
    status: 200,
    reply: memberReply,
    refuses: ['more-than-own', 'last-administrator'],
  },
  cutOffUser: {
    method: 'POST',
    path: `${users}/:user/cut-off`,
    opens: 'user.cut-off',
    summary: 'End, in this organisation, every session and API token of a person that is older than now',
    status: 204,
    refuses: ['more-than-own'],
  },
  deleteUser: {
    method: 'DELETE',
    path: `${users}/:user`,
    opens: 'user.delete',
    summary: "End a person's membership; the person's API tokens in the organisation end with it",
    status: 204,
    refuses: ['more-than-own', 'last-administrator'],
  },
  inviteUser: {
    method: 'POST',
    path: `${users}/:user/invitation`,
    opens: 'user.invite',
    summary: 'Send the mail of a new person again, with a new set-password link; the one before ends',
    description: 'An address gets three such mails an hour, from whomever: beyond them nothing happens.',
    perMinute: invitationsPerMinute,
    status: 202,
    refuses: ['conflict', 'more-than-own'],
  },
  resetSecondFactor: {
    method: 'POST',
    path: `${users}/:user/second-factor/reset`,
    opens: 'user.reset-second-factor',
    summary: "Vote to reset a person's lost second factor: the second administrator's vote does it",
    status: 202,
    reply: z.object({ votes: z.number(), done: z.boolean() }),
    refuses: ['conflict', 'more-than-own'],
  },
  listRoles: {
    method: 'GET',
    path: `${organisation}/roles`,
    opens: 'roles.get',
    summary: 'List roles and their scopes, those of every organisation first',
    query: pageQuery,
    status: 200,
    reply: page(roleReply),
  },
  createRole: {
    method: 'POST',
    path: `${organisation}/roles`,
    opens: 'roles.create',
    summary: 'Make a role: a named set of scopes',
    body: z.strictObject({ id: pathParameters.role, name: label, scopes: roleScopes }),
    status: 201,
    reply: roleReply,
    refuses: ['conflict', 'more-than-own'],
  },
  getRole: {
    method: 'GET',
    path: `${organisation}/roles/:role`,
    opens: 'role.get',
    summary: 'Read a role',
    status: 200,
    reply: roleReply,
  },
  patchRole: {
    method: 'PATCH',
    path: `${organisation}/roles/:role`,
    opens: 'role.patch',
    summary: 'Change the name and scopes of an own role',
    body: z.strictObject({ name: label.optional(), scopes: roleScopes.optional() }),
    status: 200,
    reply: roleReply,
    refuses: ['conflict', 'more-than-own'],
  },
  deleteRole: {
    method: 'DELETE',
    path: `${organisation}/roles/:role`,
    opens: 'role.delete',
    summary: 'Delete an own role that nobody has',
    status: 204,
    refuses: ['conflict'],
  },
  listDepartments: {
    method: 'GET',
    path: `${organisation}/departments`,
    opens: 'departments.get',
    summary: 'List departments',
    query: pageQuery,
    status: 200,
    reply: page(namedReply),
  },
  createDepartment: {
    method: 'POST',
    path: `${organisation}/departments`,
    opens: 'departments.create',
    summary: 'Make a department',
    body: namedBody,
    status: 201,
    reply: namedReply,
    refuses: ['conflict'],
  },
  getDepartment: {
    method: 'GET',
    path: `${organisation}/departments/:department`,
    opens: 'department.get',
    summary: 'Read a department',
    status: 200,
    reply: namedReply,
  },
  patchDepartment: {
    method: 'PATCH',
    path: `${organisation}/departments/:department`,
    opens: 'department.patch',
    summary: 'Rename a department',
    body: namedBody,
    status: 200,
    reply: namedReply,
    refuses: ['conflict'],
  },
  deleteDepartment: {
    method: 'DELETE',
    path: `${organisation}/departments/:department`,
    opens: 'department.delete',
    summary: 'Delete a department: its devices are unassigned then',
    description:
      'In a basic organisation whoever acts for any department sees them then; in a strict one only who acts for the ' +
      'whole organisation. Whoever had only this department has none.',
    status: 204,
  },
  listCustomers: {
    method: 'GET',
    path: `${organisation}/customers`,
    opens: 'customers.get',
    summary: 'List customers',
    query: pageQuery,
    status: 200,
    reply: page(namedReply),
  },
  createCustomer: {
    method: 'POST',
    path: `${organisation}/customers`,
    opens: 'customers.create',
    summary: 'Make a customer',
    body: namedBody,
    status: 201,
    reply: namedReply,
    refuses: ['conflict'],
  },
  getCustomer: {
    method: 'GET',
    path: `${organisation}/customers/:customer`,
    opens: 'customer.get',
    summary: 'Read a customer',
    status: 200,
    reply: namedReply,
  },
  patchCustomer: {
    method: 'PATCH',
    path: `${organisation}/customers/:customer`,
    opens: 'customer.patch',
    summary: 'Rename a customer',
    body: namedBody,
    status: 200,
    reply: namedReply,
    refuses: ['conflict'],
  },
  deleteCustomer: {
    method: 'DELETE',
    path: `${organisation}/customers/:customer`,
    opens: 'customer.delete',
    summary: 'Delete a customer without logins: its devices are the organisation’s own then',
    status: 204,
    refuses: ['conflict'],
  },
  listGrants: {
    method: 'GET',
    path: `${organisation}/grants`,
    opens: 'grants.get',
    summary: 'List what fleet operators have been granted',
    query: pageQuery,
    status: 200,
    reply: page(grantReply),
  },
  createGrant: {
    method: 'POST',
    path: `${organisation}/grants`,
    opens: 'grants.create',
    summary: 'Grant a fleet operator a role in the organisation, for a time',
    description:
      'One grant an operator. It opens nothing that would outlast it: no people, roles, tokens, keys or further grants.',
    body: z.strictObject({
      operator: email.describe('e-mail address of the fleet operator'),
      role: pathParameters.role,
      reason: z.string().trim().min(1).max(500).describe('what for: it stands in the audit log'),
      hours: z
        .number()
        .int()
        .min(1)
        .max(30 * 24)
        .describe('hours until it ends'),
    }),
    status: 201,
    reply: grantReply,
    refuses: ['conflict', 'more-than-own'],
  },
  deleteGrant: {
    method: 'DELETE',
    path: `${organisation}/grants/:grant`,
    opens: 'grant.delete',
    summary: 'End a grant',
    status: 204,
  },
} as const satisfies Record<string, Operation>;
