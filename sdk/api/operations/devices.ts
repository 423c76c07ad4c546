import * as z from 'zod';
import { limits } from '../../contract/index.ts';
import {
  commandReply,
  desiredBody,
  desiredReply,
  newCommandBody,
  newCommandReply,
  newDesiredReply,
} from '../downlink-shapes.ts';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';
import {
  aggregatesQuery,
  aggregatesReply,
  eventReply,
  exportQuery,
  liveEvents,
  liveQuery,
  readingsQuery,
  readingsReply,
  retentionDays,
  seriesReply,
} from '../series-shapes.ts';

const devices = '/organisations/:organisation/devices';
const device = `${devices}/:device` as const;

const name = z.string().trim().min(1).max(200).describe('what people call it');

/** A device as the API says it. */
export const deviceReply = z.object({
  id: z.string(),
  /** What people call it; its id where nobody has named it. */
  name: z.string(),
  /** A gateway bridges radio sensors; `software` is everything else that delivers. */
  kind: z.enum(['gateway', 'software']),
  /** False where nothing that proves this device opens anything. */
  enabled: z.boolean(),
  /** When it was retired for good; null of one in service. */
  retired: z.string().nullable(),
  /** Ids; null where it is unassigned, or the organisation's own. */
  department: z.string().nullable(),
  customer: z.string().nullable(),
  connected: z.boolean(),
  /** Version of its program, as it last reported. */
  runtime: z.string().nullable(),
});

/** Body of a new device. */
const newDeviceBody = z.strictObject({
  id: pathParameters.device,
  kind: z.enum(['gateway', 'software']).default('gateway'),
  name: name.optional(),
  department: pathParameters.department.nullable().default(null),
  customer: pathParameters.customer.nullable().default(null),
});

const secretReply = z.object({ id: z.string(), enrolmentSecret: z.string() });

export const deviceOperations = {
  listDevices: {
    method: 'GET',
    path: devices,
    opens: 'devices.get',
    summary: 'List devices',
    query: pageQuery.extend({
      name: z.string().max(200).optional().describe('those whose name has this in it'),
      department: z.union([pathParameters.department, z.literal('none')]).optional(),
      customer: z.union([pathParameters.customer, z.literal('none')]).optional(),
      connected: z.enum(['true', 'false']).optional(),
    }),
    status: 200,
    reply: page(deviceReply),
  },
  createDevice: {
    method: 'POST',
    path: devices,
    opens: 'devices.create',
    summary: 'Take a device in, with a one-time enrolment secret',
    description:
      'The secret is shown this once, and is for a certificate; tokens and keys are made by createDeviceCredential. Of somebody who acts for departments or a customer the device is one of those.',
    body: newDeviceBody,
    status: 201,
    reply: secretReply,
    refuses: ['conflict', 'more-than-own'],
  },
  getDevice: {
    method: 'GET',
    path: device,
    opens: 'device.get',
    summary: 'Read a device',
    status: 200,
    reply: deviceReply,
  },
  patchDevice: {
    method: 'PATCH',
    path: device,
    opens: 'device.patch',
    summary: 'Change the name, department or customer of a device, or switch it off and on',
    description: 'Switched off, nothing that proves it opens anything; its links end within two seconds.',
    body: z.strictObject({
      name: name.optional(),
      department: pathParameters.department.nullable().optional(),
      customer: pathParameters.customer.nullable().optional(),
      enabled: z.boolean().optional(),
    }),
    status: 200,
    reply: deviceReply,
    refuses: ['more-than-own', 'conflict'],
  },
  enrolDevice: {
    method: 'POST',
    path: `${device}/enrolment`,
    opens: 'device.enrol',
    summary: 'Make a new one-time enrolment secret of a device; the one before ends',
    status: 201,
    reply: secretReply,
    refuses: ['conflict'],
  },
  retireDevice: {
    method: 'POST',
    path: `${device}/retirement`,
    opens: 'device.retire',
    summary: 'Retire a device for good: nothing that proves it opens anything any more',
    description:
      'Its certificates, keys, tokens and secrets end, its links within two seconds; commands that wait expire. Its readings stay for as ' +
      'long as readings are kept, and its id is never another device’s. What it has not delivered by then is not taken in any more.',
    status: 200,
    reply: deviceReply,
    refuses: ['conflict'],
  },
  listEvents: {
    method: 'GET',
    path: `${device}/events`,
    opens: 'events.get',
    summary: 'List what happened to a device and its sensors, the newest first',
    query: pageQuery,
    status: 200,
    reply: page(eventReply),
  },
  listSeries: {
    method: 'GET',
    path: '/organisations/:organisation/series',
    opens: 'series.get',
    summary: 'List series with their latest readings',
    query: pageQuery.extend({ device: pathParameters.device.optional() }),
    status: 200,
    reply: page(seriesReply),
  },
  getSeries: {
    method: 'GET',
    path: `${device}/series/:series`,
    opens: 'series.get',
    summary: 'Read a series with its latest reading',
    status: 200,
    reply: seriesReply,
  },
  patchSeries: {
    method: 'PATCH',
    path: `${device}/series/:series`,
    opens: 'retention.patch',
    summary: 'Say how long the readings of a series are kept',
    description:
      'What is older goes within a day or so, and for good; the ledger counts it as expired. Null: as long as the organisation ' +
      'keeps readings (patchOrganisation).',
    body: z.strictObject({ retentionDays }),
    status: 200,
    reply: seriesReply,
  },
  getReadings: {
    method: 'GET',
    path: `${device}/series/:series/readings`,
    opens: 'readings.get',
    summary: 'Read the readings of a series between two times, thinned, extremes kept',
    query: readingsQuery,
    status: 200,
    reply: readingsReply,
  },
  getAggregates: {
    method: 'GET',
    path: `${device}/series/:series/aggregates`,
    opens: 'readings.get',
    summary: 'Read a series by minutes, hours, days, weeks, months or years of a time zone',
    description:
      'Least, greatest, mean, first and last number of each bucket, those without readings too. Buckets begin and end by the clock ' +
      'of the zone: a day may have 23 or 25 hours. At most 2,000 of them.',
    query: aggregatesQuery,
    status: 200,
    reply: aggregatesReply,
  },
  exportReadings: {
    method: 'GET',
    path: `${device}/series/:series/export`,
    opens: 'readings.get',
    summary: 'Export every reading of a series between two times, as CSV, SenML or Parquet',
    description:
      'In the order of their times, both times of each kept; the answer has the media type of its form. CSV and Parquet have the value ' +
      'as it was heard, its calibration, status and radio quality beside the physical number.',
    query: exportQuery,
    status: 200,
    stream: 'application/octet-stream',
  },
  followReadings: {
    method: 'GET',
    path: '/organisations/:organisation/live',
    opens: 'live.get',
    summary: 'Follow readings as they are committed',
    description:
      'Server-sent events. `readings`: what was committed, physical values by their time, at once or gathered for as long ' +
      'as a quarter of a second where much is committed; of a follower that does not keep up the newest reading of each ' +
      'series is kept, and `skipped` says how many were left out before it. `alarm`: something to look at, for who may read alarms. `update`: how far a gateway is with a release, for who may read that. `ping`: nothing, every ten seconds; `end`: the ' +
      'stream is over, and so may be the session.',
    query: liveQuery,
    status: 200,
    stream: 'text/event-stream',
    events: liveEvents,
    refuses: ['too-many-attempts'],
  },
  getDesired: {
    method: 'GET',
    path: `${device}/desired`,
    opens: 'desired.get',
    summary: 'Read what a gateway is to be configured as, and what it made of that',
    status: 200,
    reply: desiredReply,
  },
  setDesired: {
    method: 'PUT',
    path: `${device}/desired`,
    opens: 'desired.set',
    summary: 'Say what a gateway is to be configured as, whole',
    description:
      'The gateway checks it, puts it in force or refuses it, and goes back to the one before where the cloud cannot ' +
      'be reached with it: GET says which.',
    body: desiredBody,
    status: 200,
    reply: newDesiredReply,
    refuses: ['request-invalid', 'conflict'],
    // The message to the gateway is a little longer than the body: its own limit is checked by the handler.
    bodyBytes: limits.messageBytes,
  },
  listCommands: {
    method: 'GET',
    path: `${device}/commands`,
    opens: 'commands.get',
    summary: 'List the commands of a gateway, the newest first, and what became of them',
    query: pageQuery,
    status: 200,
    reply: page(commandReply),
  },
  createCommand: {
    method: 'POST',
    path: `${device}/commands`,
    opens: 'commands.create',
    summary: 'Give a gateway a command',
    description:
      'It is carried out once at most and not after it has expired. EXPERIMENTAL: `transmit` makes the gateway speak ' +
      'on the radio of T24 modules (wake, sleep, stay-awake); a gateway refuses it unless its configuration allows it.',
    body: newCommandBody,
    status: 202,
    reply: newCommandReply,
    refuses: ['too-many-commands', 'conflict'],
  },
  getCommand: {
    method: 'GET',
    path: `${device}/commands/:command`,
    opens: 'command.get',
    summary: 'Read a command, and what became of it',
    status: 200,
    reply: commandReply,
  },
} as const satisfies Record<string, Operation>;
