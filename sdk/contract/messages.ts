import * as z from 'zod';

const count = z.number().int().nonnegative();

/**
 * What one serial port of a gateway has seen since the runtime started. For a binary port
 * `bytes = frameBytes + discardedBytes + heldBytes` at every instant.
 */
export const portLedger = z.strictObject({
  name: z.string(),
  open: z.boolean(),
  /** Why it is not open, or what is wrong with what answers on it. */
  trouble: z.string().max(300).optional(),
  bytes: count,
  frameBytes: count,
  discardedBytes: count,
  heldBytes: count,
  /** Valid frames (binary) or lines (ASCII). */
  frames: count,
});

/** Who vouches for a gateway's time: nobody, the system's own synchronisation, or the cloud. */
export const clockTrust = z.enum(['nobody', 'system', 'cloud']);

/**
 * The gateway's own ledger, topic `health`, JSON. Counted since the runtime started, in one epoch:
 * `frames = readings + copies + suppressed + other`, `readings` being those frames that were numbered as readings.
 * Besides those, the epoch numbers what the gateway worked out (`computed`), anchors and events.
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
  /** Frames that were no readings of their own: of tags nobody configured, or withheld by a send policy. */
  suppressed: count,
  /** Those of `suppressed` that a sensor's send policy withheld: unchanged, or taken up into a window. */
  withheld: count,
  /** Valid frames that are not data providers, or are of an unknown type. */
  other: count,
  /** Numbered readings that are not frames: of windows, and derived ones. */
  computed: count,
  journal: z.strictObject({
    /** Numbered entries not yet acknowledged, and their bytes; those of earlier runs among them. */
    held: count,
    heldBytes: count,
    dropped: count,
    inFlight: count,
    /** Bytes the journal has written to disk since the runtime started, and since midnight UTC or the start. */
    written: count,
    writtenToday: count,
    /** Whether the disk takes what is written. */
    disk: z.enum(['good', 'full', 'failing']),
  }),
  uplink: z.strictObject({
    /** Links made so far. */
    connections: count,
    /** Why the last links, or the last attempts at one, ended; the newest first. */
    disconnects: z.array(z.strictObject({ secondsAgo: count, reason: z.string().max(200) })).max(5),
    /** Bytes that may be in flight at present. */
    windowBytes: count,
    /** Shortest time between a publish and its acknowledgement of late; null before the first. */
    roundTripMs: z.number().nonnegative().nullable(),
  }),
  clock: z.strictObject({
    trust: clockTrust,
    /** How far the time may be off; null where nobody vouches for it. */
    uncertaintyMs: z.number().nonnegative().nullable(),
  }),
  certificate: z.strictObject({
    /** Whole days until it ends, negative past its end; null while there is none. */
    daysLeft: z.number().int().nullable(),
  }),
  process: z.strictObject({ residentBytes: count, cpuSeconds: z.number().nonnegative() }),
});
export type HealthMessage = z.infer<typeof healthMessage>;
export type PortLedger = z.infer<typeof portLedger>;
export type ClockTrust = z.infer<typeof clockTrust>;

const revision = z.string().min(1).max(64);

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
        /** Type of the transmitter, like T24-SAf. */
        module: z.string().max(40).optional(),
        /** True where the gateway works it out of other sensors. */
        derived: z.boolean().optional(),
        /** True where the sensor is simulated: it is shown as such wherever it is shown. */
        simulated: z.boolean(),
      }),
    )
    .max(4096),
  /** Which configuration is in force: the file on the gateway, or a revision the cloud desired. */
  configuration: z.strictObject({
    revision: revision.nullable(),
    /** What became of the revision that came last, where that is not the one in force. */
    last: z
      .strictObject({
        revision,
        outcome: z.enum(['trying', 'refused', 'rolled-back']),
        problems: z.array(z.strictObject({ key: z.string().max(200), message: z.string().max(300) })).max(50),
      })
      .optional(),
  }),
});
export type ReportedMessage = z.infer<typeof reportedMessage>;

/**
 * What a gateway is to be configured as, topic `desired`, JSON. `configuration` has the sections of the gateway's file:
 * each that it names replaces the file's, the others stay. What only the file may say is refused: `gateway`,
 * `enrolment`, `drivers`, `control`, `clock`, `journal`, `uplink.authority`, `uplink.proxy.password_file`, and
 * `transmit` of a port that has it not in the file.
 */
export const desiredMessage = z.strictObject({
  version: z.literal(1),
  revision,
  configuration: z.record(z.string(), z.unknown()),
});
export type DesiredMessage = z.infer<typeof desiredMessage>;

/** What can be asked of a gateway. */
export const commandBody = z.discriminatedUnion('kind', [
  /** T24 transmission, EXPERIMENTAL: `to` is one module's id, 24 bits. Never a broadcast. */
  z.strictObject({
    kind: z.literal('transmit'),
    port: z.string().max(32),
    base: z.number().int().min(1).max(16),
    to: z.number().int().min(0).max(0xfffffe),
    action: z.enum(['wake', 'sleep', 'stay-awake']),
  }),
  /** Makes the present value of a derived series of kind `tare` its zero, or forgets the peak of a `peak`. */
  z.strictObject({ kind: z.literal('reset-derived'), tag: count.max(0xffff) }),
  /** Sends `health` now. */
  z.strictObject({ kind: z.literal('report') }),
]);
export type CommandBody = z.infer<typeof commandBody>;

/** One command, topic `command`, JSON. Carried out at most once, and not after `expires` (ms since 1970). */
export const commandMessage = z.strictObject({
  version: z.literal(1),
  id: z.uuid(),
  expires: count,
  command: commandBody,
});
export type CommandMessage = z.infer<typeof commandMessage>;

/** What became of a command, topic `result`, JSON. */
export const resultMessage = z.strictObject({
  version: z.literal(1),
  id: z.uuid(),
  outcome: z.enum(['done', 'refused', 'failed', 'expired']),
  detail: z.string().max(300),
});
export type ResultMessage = z.infer<typeof resultMessage>;

/** What time is it? Topic `clock`, up. `sent`: the gateway's monotonic ms, handed back with the answer. */
export const clockQuestion = z.strictObject({ version: z.literal(1), sent: z.number().nonnegative() });
/** Topic `time`, down. `wall`: ms since 1970 when the cloud answered. */
export const clockAnswer = z.object({
  version: z.literal(1),
  sent: z.number().nonnegative(),
  wall: count,
  /**
   * Which line of history the cloud's database is, and how many there were: another one where a restored copy has taken
   * over. An older cloud does not say.
   */
  generation: z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), counter: count }).optional(),
});
export type ClockQuestion = z.infer<typeof clockQuestion>;
export type ClockAnswer = z.infer<typeof clockAnswer>;

/**
 * Which release a gateway is to run, topic `update`, JSON: after each connection, and when it changes. `offer` is null where
 * nothing is offered, or no longer: what is under way and not yet in a slot is given up.
 */
export const updateMessage = z.strictObject({
  version: z.literal(1),
  offer: z
    .strictObject({
      /** The same for the same wish: a gateway that went back from it does not try it again under this id. */
      id: z.uuid(),
      release: z.string().min(1).max(64),
    })
    .nullable(),
});
export type UpdateMessage = z.infer<typeof updateMessage>;

/** Which part of the disk a release runs from: one of the two slots, or what came with the image or the package. */
export const slotName = z.enum(['a', 'b', 'factory']);
export type SlotName = z.infer<typeof slotName>;

/**
 * What a gateway runs, and how far it is with what was offered, topic `updating`, JSON: after each connection, at each
 * change, and while it downloads now and then.
 */
export const updatingMessage = z.strictObject({
  version: z.literal(1),
  running: z.strictObject({
    release: z.string().max(64),
    /** Null where no launcher started it: such a gateway is updated by hand. */
    slot: slotName.nullable(),
    target: z.string().max(32),
  }),
  /** The offer that this is about; null while there is none, and there was none. */
  offer: z.uuid().nullable(),
  progress: z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('idle') }),
    /** For its window, for a trusted time, for a link: `detail` says for what. */
    z.strictObject({ state: z.literal('waiting'), detail: z.string().max(300) }),
    /** Bytes, of those that have to travel. */
    z.strictObject({ state: z.literal('downloading'), done: count, total: count }),
    z.strictObject({ state: z.literal('installing') }),
    /** The new release runs, and has to report health within these seconds. */
    z.strictObject({ state: z.literal('trying'), secondsLeft: count }),
    z.strictObject({ state: z.literal('confirmed') }),
    /** The launcher went back to what ran before. */
    z.strictObject({ state: z.literal('rolled-back'), detail: z.string().max(300) }),
    /** It was never tried: what came does not hold, or has no room. */
    z.strictObject({ state: z.literal('refused'), code: z.string().max(64), detail: z.string().max(300) }),
  ]),
});
export type UpdatingMessage = z.infer<typeof updatingMessage>;

/** Why the cloud is about to close a link, topic `notice`, JSON. */
export const noticeMessage = z.strictObject({ code: z.string().max(64), detail: z.string().max(500) });
export type NoticeMessage = z.infer<typeof noticeMessage>;

/** Readings as they are committed, topic `devices/<device>/readings` of applications, JSON. */
export const applicationReadings = z.strictObject({
  device: z.string(),
  /** Four hex digits: the tag, or the number of a series that its device calls by name. */
  tag: z.string(),
  /** What its device calls it, and its unit, where it does. */
  name: z.string().optional(),
  unit: z.string().optional(),
  aspect: z.string(),
  /** Milliseconds since 1970, and the physical value; null where a reading was not a number. */
  points: z.array(z.tuple([z.number(), z.number().nullable()])),
  /** Readings of this series that were left out before these; the store has them. */
  skipped: count.optional(),
});
export type ApplicationReadings = z.infer<typeof applicationReadings>;

/** Events as they are committed, topic `devices/<device>/events` of applications, JSON. */
export const applicationEvents = z.strictObject({
  device: z.string(),
  events: z.array(
    z.strictObject({
      /** Milliseconds since 1970; null while the gateway's boot has no anchor. */
      time: z.number().nullable(),
      /** Milliseconds since the gateway's boot. */
      monotonicMs: z.number(),
      epoch: z.string(),
      number: z.number(),
      code: z.string(),
      /** Null where this cloud does not know the code. */
      severity: z.string().nullable(),
      subject: z.string(),
      detail: z.string(),
    }),
  ),
  /** Some were left out before these, of this device or of others; the store has them. */
  isIncomplete: z.literal(true).optional(),
});
export type ApplicationEvents = z.infer<typeof applicationEvents>;
