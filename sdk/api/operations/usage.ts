import * as z from 'zod';
import { deviceLimits, organisationLimits } from '../limit-shapes.ts';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';

const organisation = '/organisations/:organisation';

/** What is counted. Bytes are of payloads and bodies; over HTTPS by people and programs, all that goes within TLS. */
const counts = {
  messagesIn: z.number(),
  messagesOut: z.number(),
  readings: z.number(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  limited: z.number().describe('deliveries and requests that were put off, because a limit was reached'),
};

const usageReply = z.object({
  day: z.string().nullable().describe('UTC; null where days are added up'),
  organisation: z.string(),
  kind: z.enum(['organisation', 'device', 'application', 'user', 'token']),
  id: z.string(),
  sessions: z.number(),
  seconds: z.number().describe('of sessions'),
  ...counts,
});

const span = {
  from: z.iso.date().optional().describe('the first day, UTC; 30 days ago where it is left out'),
  to: z.iso.date().optional().describe('the last day, UTC; today where it is left out'),
};
const per = z.enum(['day', 'total']).default('day');
const usageFilter = z.object({
  by: z.enum(['organisation', 'device', 'application', 'user', 'token']).default('organisation'),
  per,
  ...span,
});
const fleetUsageFilter = z.object({ per, ...span });

const recordReply = z.object({
  session: z.string(),
  record: z.enum(['start', 'interim', 'stop']),
  from: z.string(),
  to: z.string(),
  kind: z.string(),
  id: z.string(),
  credential: z.string().nullable(),
  door: z.string(),
  source: z.string().nullable().describe('of a start, as long as it is kept'),
  cause: z.string().nullable().describe('of a stop'),
  ...counts,
});

const recordFilter = z.object({
  kind: z.enum(['device', 'application', 'user', 'token']).optional(),
  id: z.string().max(100).optional(),
  session: z.uuid().optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

const used = z.object({
  messages: z.number(),
  readings: z.number(),
  bytes: z.number(),
  connectionMinutes: z.number(),
});

/** What holds, what of it was set, and what is used of the quotas. */
const limitsReply = z.object({
  limits: organisationLimits,
  set: organisationLimits,
  used: z.object({ day: used, month: used }),
});

export const usageOperations = {
  listUsage: {
    method: 'GET',
    path: `${organisation}/usage`,
    opens: 'usage.get',
    summary: 'List what was used, by day, the latest first',
    query: pageQuery.extend(usageFilter.shape),
    status: 200,
    reply: page(usageReply),
  },
  exportUsage: {
    method: 'GET',
    path: `${organisation}/usage/export`,
    opens: 'usage.get',
    summary: 'Export what was used, as CSV (RFC 4180)',
    query: usageFilter,
    status: 200,
    stream: 'text/csv',
  },
  listSessionRecords: {
    method: 'GET',
    path: `${organisation}/sessions`,
    opens: 'usage.get',
    summary: 'List the records of sessions of devices, applications and people, the newest first',
    query: pageQuery.extend(recordFilter.shape),
    status: 200,
    reply: page(recordReply),
  },
  exportSessionRecords: {
    method: 'GET',
    path: `${organisation}/sessions/export`,
    opens: 'usage.get',
    summary: 'Export the records of sessions, as CSV (RFC 4180)',
    query: recordFilter,
    status: 200,
    stream: 'text/csv',
  },
  getLimits: {
    method: 'GET',
    path: `${organisation}/limits`,
    opens: 'limits.get',
    summary: 'Read what the devices and people of an organisation may use together, and have',
    status: 200,
    reply: limitsReply,
  },
  getDeviceLimits: {
    method: 'GET',
    path: `${organisation}/devices/:device/limits`,
    opens: 'limits.get',
    summary: 'Read what a device may use, and has',
    status: 200,
    reply: limitsReply,
  },
  setDeviceLimits: {
    method: 'PUT',
    path: `${organisation}/devices/:device/limits`,
    opens: 'limits.set',
    summary: 'Say what a device may use, within what its organisation may; what is left out is as usual',
    body: deviceLimits,
    status: 200,
    reply: limitsReply,
    refuses: ['more-than-own'],
  },
  listFleetUsage: {
    method: 'GET',
    path: '/fleet/usage',
    opens: 'fleet-usage.get',
    summary: 'List what each organisation used, by day, the latest first',
    query: pageQuery.extend(fleetUsageFilter.shape),
    status: 200,
    reply: page(usageReply),
  },
  exportFleetUsage: {
    method: 'GET',
    path: '/fleet/usage/export',
    opens: 'fleet-usage.get',
    summary: 'Export what each organisation used, as CSV (RFC 4180)',
    query: fleetUsageFilter,
    status: 200,
    stream: 'text/csv',
  },
  getOrganisationLimits: {
    method: 'GET',
    path: '/fleet/limits/:organisation',
    opens: 'fleet-limits.get',
    summary: 'Read what an organisation may use, and has',
    status: 200,
    reply: limitsReply,
  },
  setOrganisationLimits: {
    method: 'PUT',
    path: '/fleet/limits/:organisation',
    opens: 'fleet-limits.set',
    summary: 'Say what an organisation may use; what is left out is as usual',
    body: organisationLimits,
    status: 200,
    reply: limitsReply,
  },
} as const satisfies Record<string, Operation>;
