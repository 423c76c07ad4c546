import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';
import { scopePatterns } from '../scopes.ts';

const tokens = '/organisations/:organisation/tokens';
const applications = '/organisations/:organisation/applications';
const keys = `${applications}/:application/keys`;
export const label = z.string().trim().min(1).max(200);
const tag = z.string().regex(/^[0-9A-F]{4}$/, 'not a tag: four hex digits in upper case');

const deviceList = z.array(pathParameters.device).min(1).max(1000).describe('it reaches these devices only');
const tagList = z.array(tag).min(1).max(1000).describe('it reaches the series of these tags only');
export const status = z.enum(['active', 'inactive', 'revoked']);

const tokenReply = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  /** It reaches these only; null: as far as its creator. */
  devices: z.array(z.string()).nullable(),
  tags: z.array(z.string()).nullable(),
  status,
  creator: z.object({ id: z.string(), name: z.string() }),
  created: z.string(),
  expires: z.string(),
  used: z.string().nullable(),
});

const applicationReply = z.object({
  id: z.string(),
  name: z.string(),
  /** Its devices; null: all of the organisation. */
  devices: z.array(z.string()).nullable(),
  created: z.string(),
});

/** Topics of an application, below `v1/org/<organisation>/`: MQTT filters. */
const topicFilter = z
  .string()
  .max(200)
  .regex(
    /^(?:#|(?:\+|[A-Za-z0-9_-]+)(?:\/(?:\+|[A-Za-z0-9_-]+))*(?:\/#)?)$/,
    'not a topic filter: levels of A-Z, a-z, 0-9, hyphens and underscores, or +, and # as the last one',
  );

const keyReply = z.object({
  id: z.string(),
  name: z.string(),
  devices: z.array(z.string()).nullable(),
  tags: z.array(z.string()).nullable(),
  topics: z.array(z.string()).nullable(),
  status,
  created: z.string(),
  expires: z.string().nullable(),
  used: z.string().nullable(),
});

export const patchBody = z.strictObject({
  name: label.optional(),
  status: z.enum(['active', 'inactive']).optional(),
});

export const tokenOperations = {
  listTokens: {
    method: 'GET',
    path: tokens,
    opens: 'tokens.get',
    summary: 'List API tokens, without their values',
    query: pageQuery.extend({ status: status.optional(), creator: pathParameters.user.optional() }),
    status: 200,
    reply: page(tokenReply),
  },
  createToken: {
    method: 'POST',
    path: tokens,
    opens: 'tokens.create',
    summary: 'Make an API token; its value is shown this once',
    description:
      'It may never do more than its creator, now or later. `scopes`: `["all.*"]` for all, `["all.read"]` for read-only, or a list.',
    body: z.strictObject({
      name: label,
      scopes: z
        .array(
          z.enum(
            scopePatterns as [string, ...string[]],
            'not a scope, nor a pattern of scopes: docs/api.md has all',
          ),
        )
        .min(1)
        .max(200)
        .describe('what it may do: scopes or patterns of them, such as all.read'),
      devices: deviceList.nullable().default(null),
      tags: tagList.nullable().default(null),
      days: z.number().int().min(1).max(365).describe('days until it expires'),
    }),
    status: 201,
    reply: tokenReply.extend({ value: z.string() }),
    refuses: ['more-than-own'],
  },
  getToken: {
    method: 'GET',
    path: `${tokens}/:token`,
    opens: 'token.get',
    summary: 'Read what an API token may do',
    status: 200,
    reply: tokenReply,
  },
  patchToken: {
    method: 'PATCH',
    path: `${tokens}/:token`,
    opens: 'token.patch',
    summary: 'Activate, deactivate or rename an API token',
    body: patchBody,
    status: 200,
    reply: tokenReply,
    refuses: ['conflict', 'more-than-own'],
  },
  deleteToken: {
    method: 'DELETE',
    path: `${tokens}/:token`,
    opens: 'token.delete',
    summary: 'Revoke an API token for good',
    status: 204,
  },
  listApplications: {
    method: 'GET',
    path: applications,
    opens: 'applications.get',
    summary: 'List applications: programs that follow devices over MQTT',
    query: pageQuery,
    status: 200,
    reply: page(applicationReply),
  },
  createApplication: {
    method: 'POST',
    path: applications,
    opens: 'applications.create',
    summary: 'Make an application',
    body: z.strictObject({ name: label, devices: deviceList.nullable().default(null) }),
    status: 201,
    reply: applicationReply,
    refuses: ['conflict', 'more-than-own'],
  },
  getApplication: {
    method: 'GET',
    path: `${applications}/:application`,
    opens: 'application.get',
    summary: 'Read an application',
    status: 200,
    reply: applicationReply,
  },
  patchApplication: {
    method: 'PATCH',
    path: `${applications}/:application`,
    opens: 'application.patch',
    summary: 'Change the name and devices of an application',
    body: z.strictObject({ name: label.optional(), devices: deviceList.nullable().optional() }),
    status: 200,
    reply: applicationReply,
    refuses: ['conflict', 'more-than-own'],
  },
  deleteApplication: {
    method: 'DELETE',
    path: `${applications}/:application`,
    opens: 'application.delete',
    summary: 'Delete an application and its keys; their links end',
    status: 204,
  },
  listApplicationKeys: {
    method: 'GET',
    path: keys,
    opens: 'application-keys.get',
    summary: 'List the keys of an application, without their secrets',
    query: pageQuery,
    status: 200,
    reply: page(keyReply),
  },
  createApplicationKey: {
    method: 'POST',
    path: keys,
    opens: 'application-keys.create',
    summary: 'Make a key and secret, MQTT user name and password; the secret is shown this once',
    body: z.strictObject({
      name: label,
      devices: deviceList.nullable().default(null),
      tags: tagList.nullable().default(null),
      topics: z
        .array(topicFilter)
        .min(1)
        .max(50)
        .nullable()
        .default(null)
        .describe('MQTT filters below v1/org/<organisation>/: it may subscribe to these only'),
      days: z
        .number()
        .int()
        .min(1)
        .max(3650)
        .nullable()
        .default(null)
        .describe('days until it expires; for ever where there are none'),
    }),
    status: 201,
    reply: keyReply.extend({ secret: z.string() }),
    refuses: ['more-than-own'],
  },
  getApplicationKey: {
    method: 'GET',
    path: `${keys}/:key`,
    opens: 'application-key.get',
    summary: 'Read what a key may do',
    status: 200,
    reply: keyReply,
  },
  patchApplicationKey: {
    method: 'PATCH',
    path: `${keys}/:key`,
    opens: 'application-key.patch',
    summary: 'Activate, deactivate or rename a key',
    body: patchBody,
    status: 200,
    reply: keyReply,
    refuses: ['conflict', 'more-than-own'],
  },
  deleteApplicationKey: {
    method: 'DELETE',
    path: `${keys}/:key`,
    opens: 'application-key.delete',
    summary: 'Revoke a key for good; its links end',
    status: 204,
  },
} as const satisfies Record<string, Operation>;
