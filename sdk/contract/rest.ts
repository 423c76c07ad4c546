import { z } from 'zod';
import { portLedger } from './messages.ts';
import { isGatewayId } from './topics.ts';

/** The shapes of the REST API, `/api/v1`: the doors check by them, clients are typed by them. */

const count = z.number();
const range = z.object({ first: count, last: count });
const counts = z.object({ received: count, stored: count, duplicate: count, rejected: count });

export const gatewayParams = z.object({
  gateway: z.string().refine(isGatewayId, 'not a gateway id: 1 to 64 of a-z, 0-9 and inner hyphens'),
});
export const seriesParams = gatewayParams.extend({
  tag: z.string().regex(/^[0-9A-F]{4}$/, 'not a data tag: four hex digits in upper case'),
});
export const runParams = gatewayParams.extend({
  epoch: z.string().regex(/^[0-9a-f]{32}$/, 'not an epoch: 32 hex digits'),
});
export const readingsQuery = z.object({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  points: z.coerce.number().int().min(8).max(10_000).default(1000),
});
export const loginBody = z.strictObject({ name: z.string().max(200), password: z.string().max(200) });
export const newGatewayBody = z.strictObject({ id: gatewayParams.shape.gateway });

export const sessionReply = z.object({ name: z.string(), organisation: z.string(), role: z.string() });
export const newGatewayReply = z.object({ id: z.string(), enrolmentSecret: z.string() });
export const gatewaysReply = z.object({
  gateways: z.array(z.object({ id: z.string(), connected: z.boolean(), runtime: z.string().nullable() })),
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
const series = z.object({
  gateway: z.string(),
  tag: z.string(),
  name: z.string().nullable(),
  unit: z.string().nullable(),
  intervalSeconds: z.number().nullable(),
  simulated: z.boolean(),
  count,
  latest: z
    .object({
      time: z.string(),
      value,
      batteryLow: z.boolean(),
      error: z.boolean(),
      status: z.number(),
      quality,
    })
    .nullable(),
});
export type SeriesReply = z.infer<typeof series>;
export const seriesReply = series;
export const seriesListReply = z.object({ series: z.array(series) });
export const readingsReply = z.object({
  points: z.array(z.tuple([z.number(), z.number().nullable()])),
  count,
});

const health = z.object({
  uptimeSeconds: z.number(),
  ports: z.array(portLedger),
  frames: count,
  readings: count,
  copies: count,
  suppressed: count,
  other: count,
  journal: z.object({ held: count, heldBytes: count, dropped: count, inFlight: count }),
  /** Links made so far, and why the last one, or the last attempt at one, ended. */
  connections: count,
  lastDisconnect: z.string().optional(),
});
export const ledgerReply = z.object({
  deliveries: counts,
  readings: counts,
  epochs: z.array(
    z.object({
      epoch: z.string(),
      boot: z.string(),
      received: z.array(range),
      gaps: z.array(range.extend({ state: z.enum(['dropped', 'coming', 'lost']) })),
      health: health.nullable(),
    }),
  ),
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
      count,
      first: z.number().nullable(),
      last: z.number().nullable(),
      min: z.number().nullable(),
      max: z.number().nullable(),
    }),
  ),
  health: health.nullable(),
});

/** Problem details (RFC 9457); `code` is one of `codes`. */
export const problemReply = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
});

/** The cookie of a session: bound to the host by its prefix (RFC 6265bis, section 4.1.3.2). */
export const sessionCookie = '__Host-loadline-session';
