import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';
import { email } from './session.ts';

const organisation = '/organisations/:organisation';

const party = z.object({ kind: z.string(), id: z.string(), name: z.string().nullable() });

const auditReply = z.object({
  sequence: z.number(),
  time: z.string(),
  actor: party,
  channel: z.string(),
  source: z.string().nullable(),
  action: z.string(),
  target: party.nullable(),
  outcome: z.enum(['done', 'refused']),
  code: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
  /** What is personal in it: addresses, names; null where there was nothing, or it has been erased. */
  personal: z.unknown(),
  hash: z.string(),
});

const auditQuery = pageQuery.extend({
  actor: z.string().max(100).optional(),
  target: z.string().max(100).optional(),
  action: z.string().max(100).optional().describe('actions that begin with it: `user.`, `session.create`'),
  outcome: z.enum(['done', 'refused']).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

/** Whether a chain of entries is whole: its length, its head, and the first sequence that is not as it was written. */
const verdictReply = z.object({
  entries: z.number(),
  head: z.object({ sequence: z.number(), hash: z.string() }),
  broken: z.object({ sequence: z.number(), why: z.string() }).nullable(),
});

/** What is being guessed at: what, from where, how often, and since and until when it is held. */
const blockReply = z.object({
  id: z.string(),
  kind: z.enum(['account', 'token', 'application-key', 'socket', 'code', 'second-factor', 'source']),
  /** Why it is held: see the guard. */
  by: z.enum(['ceiling', 'disabled', 'source', 'device', 'factor']),
  /** Of an account the organisation has: who; null of one that it has not. */
  subject: z.string().nullable(),
  sources: z.array(z.string()),
  failures: z.number(),
  since: z.string(),
  last: z.string(),
  /** Null where it takes an act to end it. */
  until: z.string().nullable(),
});

export const auditOperations = {
  listAudit: {
    method: 'GET',
    path: `${organisation}/audit`,
    opens: 'audit.get',
    summary: 'Read the audit log, the newest first',
    query: auditQuery,
    status: 200,
    reply: page(auditReply),
  },
  exportAudit: {
    method: 'GET',
    path: `${organisation}/audit/export`,
    opens: 'audit.get',
    summary: 'Export the audit log: a line of JSON for its chain, then one an entry, the oldest first',
    status: 200,
    stream: 'application/x-ndjson',
  },
  verifyAudit: {
    method: 'GET',
    path: `${organisation}/audit/verification`,
    opens: 'audit.get',
    summary: 'Verify the hash chain of the audit log',
    status: 200,
    reply: verdictReply,
  },
  listBlocks: {
    method: 'GET',
    path: `${organisation}/blocks`,
    opens: 'blocks.get',
    summary: 'List what is being guessed at, from where and how often',
    query: pageQuery,
    status: 200,
    reply: page(blockReply),
  },
  deleteBlock: {
    method: 'DELETE',
    path: `${organisation}/blocks/:block`,
    opens: 'block.delete',
    summary: 'End a block',
    status: 204,
    refuses: ['more-than-own'],
  },
} as const satisfies Record<string, Operation>;

export const fleetOperations = {
  listOrganisations: {
    method: 'GET',
    path: '/organisations',
    opens: 'organisations.get',
    summary: 'List the organisations of the fleet, by name',
    query: pageQuery,
    status: 200,
    reply: page(z.object({ id: z.string(), name: z.string(), created: z.string() })),
  },
  createOrganisation: {
    method: 'POST',
    path: '/organisations',
    opens: 'organisations.create',
    summary: 'Make an organisation; its first administrator gets a set-password link by mail',
    body: z.strictObject({
      id: pathParameters.organisation,
      name: z.string().trim().min(1).max(200),
      administrator: z.strictObject({ email, name: z.string().trim().min(1).max(200) }),
    }),
    status: 201,
    reply: z.object({ id: z.string(), name: z.string() }),
    refuses: ['conflict'],
  },
  listOperators: {
    method: 'GET',
    path: '/fleet/operators',
    opens: 'operators.get',
    summary: 'List fleet operators',
    query: pageQuery,
    status: 200,
    reply: page(z.object({ id: z.string(), email: z.string(), name: z.string() })),
  },
  createOperator: {
    method: 'POST',
    path: '/fleet/operators',
    opens: 'operators.create',
    summary: 'Make a person a fleet operator; a set-password link goes to a new one by mail',
    body: z.strictObject({ email, name: z.string().trim().min(1).max(200) }),
    status: 201,
    reply: z.object({ id: z.string(), email: z.string(), name: z.string() }),
    refuses: ['conflict'],
  },
  deleteOperator: {
    method: 'DELETE',
    path: '/fleet/operators/:user',
    opens: 'operator.delete',
    summary: 'End a fleet operator; the last one stays',
    status: 204,
    refuses: ['last-administrator'],
  },
  listFleetAudit: {
    method: 'GET',
    path: '/fleet/audit',
    opens: 'fleet-audit.get',
    summary: 'Read the audit log of the fleet, the newest first',
    query: auditQuery,
    status: 200,
    reply: page(auditReply),
  },
  exportFleetAudit: {
    method: 'GET',
    path: '/fleet/audit/export',
    opens: 'fleet-audit.get',
    summary:
      'Export the audit log of the fleet: a line of JSON for its chain, then one an entry, the oldest first',
    status: 200,
    stream: 'application/x-ndjson',
  },
  verifyFleetAudit: {
    method: 'GET',
    path: '/fleet/audit/verification',
    opens: 'fleet-audit.get',
    summary: 'Verify the hash chain of the audit log of the fleet',
    status: 200,
    reply: verdictReply,
  },
  listFleetBlocks: {
    method: 'GET',
    path: '/fleet/blocks',
    opens: 'fleet-blocks.get',
    summary: 'List what is being guessed at all over the fleet',
    query: pageQuery,
    status: 200,
    reply: page(blockReply),
  },
  deleteFleetBlock: {
    method: 'DELETE',
    path: '/fleet/blocks/:block',
    opens: 'fleet-block.delete',
    summary: 'End a block anywhere in the fleet',
    status: 204,
  },
} as const satisfies Record<string, Operation>;
