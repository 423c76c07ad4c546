import * as z from 'zod';
import { alarmMessage, healthMessage } from '../contract/index.ts';
import { liveUpdate } from './update-shapes.ts';

/** What the API says of series, readings, accounts and events. */

const count = z.number();
const range = z.object({ first: count, last: count });
const counts = z.object({ received: count, stored: count, duplicate: count, rejected: count });
/** received = stored + duplicate + rejected; of those stored, `expired` and `deleted` are there no more. */
const readingCounts = counts.extend({ expired: count, deleted: count });

export const readingsQuery = z.object({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  points: z.coerce.number<number | string>().int().min(8).max(10_000).default(1000),
});
/** Buckets of a calendar in one answer at most. */
export const mostBuckets = 2000;
export const aggregatesQuery = z.object({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  by: z.enum(['minute', 'hour', 'day', 'week', 'month', 'year']),
  zone: z.string().max(64).default('UTC').describe('time zone by its IANA name, such as Europe/London'),
});
/** Forms of an export, and the media type of each. */
export const exportTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  senml: 'application/senml+json',
  'senml-cbor': 'application/senml+cbor',
  parquet: 'application/vnd.apache.parquet',
} as const;
export const exportQuery = z.object({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  form: z.enum(Object.keys(exportTypes) as [keyof typeof exportTypes]).default('csv'),
});
/** How many of a gateway's epochs its ledger is to show, the newest first; each start of a gateway is one. */
export const ledgerQuery = z.object({
  epochs: z.coerce.number<number | string>().int().min(1).max(1000).default(20),
});
const value = z.discriminatedUnion('type', [
  z.object({ type: z.literal('none') }),
  z.object({ type: z.enum(['uint8', 'uint16', 'int32', 'float32', 'float64']), value: z.number() }),
  z.object({ type: z.literal('nonFinite'), bits: z.string() }),
  z.object({ type: z.enum(['string', 'binary']), value: z.string() }),
]);
const quality = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('radio'),
    rssiDecibels: z.number(),
    correlation: z.number(),
    percent: z.number(),
  }),
  z.object({ kind: z.literal('lqi'), percent: z.number() }),
]);
/** What of a sensor a reading is: `Aspect` of sdk/telemetry. */
const aspect = z.enum(['heard', 'mean', 'min', 'max', 'derived']);
/** Days that readings of a series are kept; null: as long as those of its organisation's others. */
export const retentionDays = z.number().int().min(1).max(36_500).nullable();
export const seriesReply = z.object({
  retentionDays,
  device: z.string(),
  tag: z.string(),
  aspect,
  name: z.string().nullable(),
  unit: z.string().nullable(),
  intervalSeconds: z.number().nullable(),
  simulated: z.boolean(),
  count,
  latest: z
    .object({
      time: z.string(),
      /** Physical: calibrated where the sensor has a calibration. */
      value,
      /** The value as it was heard, and what was made of it: physical = raw x gain + offset; null without one. */
      calibrated: z.object({ raw: value, gain: z.number(), offset: z.number() }).nullable(),
      batteryLow: z.boolean(),
      error: z.boolean(),
      status: z.number(),
      quality,
    })
    .nullable(),
});
export type SeriesReply = z.infer<typeof seriesReply>;
/** Physical values by time, ms since 1970; null where a reading was not a number. */
export const readingsReply = z.object({
  points: z.array(z.tuple([z.number(), z.number().nullable()])),
  count,
});

/** What each bucket of a calendar holds of a series: physical values, null where no reading is a number. */
export const aggregatesReply = z.object({
  buckets: z.array(
    z.object({
      /** The bucket's beginning, and that of the next. */
      from: z.string(),
      to: z.string(),
      count,
      numbers: count,
      min: z.number().nullable(),
      max: z.number().nullable(),
      mean: z.number().nullable(),
      first: z.number().nullable(),
      last: z.number().nullable(),
    }),
  ),
});

/** Which readings `followReadings` tells. */
export const liveQuery = z.object({
  device: z.string().max(64).optional().describe('of this device only'),
  tag: z
    .string()
    .regex(/^[0-9A-Fa-f]{4}$/)
    .optional()
    .describe('of series of this tag only: four hex digits'),
});

/** Events of `followReadings`. */
export const liveEvents = {
  readings: z.array(
    z.object({
      device: z.string(),
      tag: z.string(),
      /** What its device calls it, and its unit, where it does. */
      name: z.string().optional(),
      unit: z.string().optional(),
      aspect,
      /** Physical values by time, ms since 1970; null where a reading was not a number. */
      points: z.array(z.tuple([z.number(), z.number().nullable()])),
      /** Readings of this series that were left out before these: the follower was behind. The store has them. */
      skipped: count.optional(),
    }),
  ),
  /** Something that its readers are to look at, as far as they may read alarms (listAlarms). */
  alarm: alarmMessage,
  /** What a gateway says of its update, as far as they may read updates (getUpdate). */
  update: liveUpdate,
  ping: z.object({}),
  end: z.object({}),
} as const;

export const ledgerReply = z.object({
  deliveries: counts,
  readings: readingCounts,
  epochs: z.array(
    z.object({
      epoch: z.string(),
      /** Null of an epoch that is known only by the one after it: it was lost whole. */
      boot: z.string().nullable(),
      received: z.array(range),
      gaps: z.array(range.extend({ state: z.enum(['dropped', 'coming', 'lost']) })),
      /** True where a cloud was lost that knew its end: what followed its last number, up to the next epoch here, is lost. */
      endUnknown: z.boolean(),
      health: healthMessage.nullable(),
    }),
  ),
});
/** Accounts of several devices, added up. */
export const ledgerSumsReply = z.object({
  deliveries: counts,
  readings: readingCounts,
  devices: count,
  /** Ids of devices whose account does not balance: there should be none, ever. */
  unbalanced: z.array(z.string()),
});
/** A delivery that was refused for good. */
export const rejectionReply = z.object({
  id: z.string(),
  at: z.string(),
  /** What it was delivered as: `telemetry`, `readings`, `health`, `reported`, `result`, `clock`. */
  channel: z.string(),
  code: z.string(),
  detail: z.string(),
  bytes: count,
  /** It is kept until then at the latest, and no longer than newer ones leave it room. */
  keptUntil: z.string(),
});
export const eventReply = z.object({
  /** Null while nobody has told the gateway's boot the time. */
  time: z.string().nullable(),
  /** Of the gateway's clock since its boot. */
  monotonicMs: z.number(),
  /** The number of the event in its epoch. */
  epoch: z.string(),
  number: count,
  code: z.string(),
  /** Null where the code is of a newer gateway than this cloud. */
  severity: z.enum(['info', 'warning', 'error']).nullable(),
  meaning: z.string().nullable(),
  act: z.string().nullable(),
  /** A port's name, a tag, or empty for the gateway itself. */
  subject: z.string(),
  detail: z.string(),
});
export const runReply = z.object({
  /** Of the gateway's own account: valid frames heard, bytes that were none, readings numbered. */
  frames: count,
  discardedBytes: count,
  readings: count,
  stored: count,
  duplicate: count,
  /** Deliveries of readings refused for good since the run's first commit; the ledger has those before. */
  rejected: count,
  latencyMs: z.object({ p50: z.number(), p99: z.number() }).nullable(),
  series: z.array(
    z.object({
      tag: z.string(),
      aspect,
      count,
      first: z.number().nullable(),
      last: z.number().nullable(),
      min: z.number().nullable(),
      max: z.number().nullable(),
    }),
  ),
  health: healthMessage.nullable(),
});
