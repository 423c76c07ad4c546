import { z } from 'zod';

const count = z.number().int().nonnegative();

/**
 * What one serial port of a gateway has seen since the runtime started. For a binary port
 * `bytes = frameBytes + discardedBytes + heldBytes` at every instant.
 */
export const portLedger = z.strictObject({
  name: z.string(),
  open: z.boolean(),
  bytes: count,
  frameBytes: count,
  discardedBytes: count,
  heldBytes: count,
  /** Valid frames (binary) or lines (ASCII). */
  frames: count,
});

/**
 * The gateway's own ledger, topic `health`, JSON. Counted since the runtime started, in one epoch:
 * `frames = readings + copies + suppressed + other`, the readings being those that were numbered.
 */
export const healthMessage = z.strictObject({
  version: z.literal(1),
  epoch: z.string().regex(/^[0-9a-f]{32}$/),
  uptimeSeconds: z.number().nonnegative(),
  ports: z.array(portLedger).max(64),
  frames: count,
  /** Data provider frames that became numbered readings. */
  readings: count,
  /** Frames another base station had already delivered. */
  copies: count,
  /** Frames of tags nobody configured, before they counted as series. */
  suppressed: count,
  /** Valid frames that are not data providers, or are of an unknown type. */
  other: count,
  journal: z.strictObject({
    /** Numbered entries not yet acknowledged, and their bytes. */
    held: count,
    heldBytes: count,
    dropped: count,
    inFlight: count,
  }),
  connections: count,
  lastDisconnect: z.string().max(200).optional(),
});
export type HealthMessage = z.infer<typeof healthMessage>;
export type PortLedger = z.infer<typeof portLedger>;

/** What a gateway is configured to be, topic `reported`, JSON: names and units for the people who look at it. */
export const reportedMessage = z.strictObject({
  version: z.literal(1),
  runtime: z.string().max(64),
  sensors: z
    .array(
      z.strictObject({
        tag: count.max(0xffff),
        name: z.string().max(100),
        unit: z.string().max(20),
        /** Expected seconds between readings. */
        intervalSeconds: z.number().positive().optional(),
        /** True where the sensor is simulated: it is shown as such wherever it is shown. */
        simulated: z.boolean(),
      }),
    )
    .max(4096),
});
export type ReportedMessage = z.infer<typeof reportedMessage>;

/** Why the cloud is about to close a link, topic `notice`, JSON. */
export const noticeMessage = z.strictObject({ code: z.string(), detail: z.string().max(500) });
export type NoticeMessage = z.infer<typeof noticeMessage>;
