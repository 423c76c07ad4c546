import * as z from 'zod';
import { isGatewayId } from '../contract/index.ts';
import { network, wifi } from './site.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`), `${digits} hex digits`);
const count = z.number().int().nonnegative();
const words = (most: number) => z.string().max(most);
const nothing = z.strictObject({});

/** Milliseconds since 1970; any that a date can be made of. */
const moment = z.number().min(-8.64e15).max(8.64e15);

/** SHA-256 of the bytes of a site as it was written, JSON. */
const digest = hex(64);

/** Printable, without spaces at its ends: what stands on the board's label. */
export const serialNumber = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'must be a serial number');

/**
 * `unprovisioned`: nobody's. `staged`: in force, and enrolling by itself when it first has a network. `provisioned`: it
 * has its certificate.
 */
const state = z.enum(['unprovisioned', 'staged', 'provisioned']);

/** A sensor as it is heard on the air. */
export const heardTag = z.strictObject({
  /** Four hex digits. */
  tag: z.string().regex(/^[0-9A-F]{4}$/),
  /** The port's path, and the base station, where the driver knows one. */
  port: words(256),
  base: z.number().int().nullable(),
  /** Frames since it began to listen. */
  frames: count,
  /** Signal strength in dBm, and the correlation value as received; null where the driver has none. */
  rssi: z.number().nullable(),
  cv: z.number().nullable(),
  /** The last value as text, with nothing of a unit. */
  value: words(256),
  lowBattery: z.boolean(),
  /** Since the last frame. */
  secondsAgo: z.number().nonnegative(),
});

/** Every question of the tool, with what is answered. */
export const questions = {
  describe: {
    body: nothing,
    reply: z.strictObject({
      protocol: z.literal(1),
      model: words(200),
      serialNumber,
      runtime: words(100),
      node: words(100),
      system: words(200),
      state,
      /** What it is, or was last; null before the first time. */
      gateway: z
        .strictObject({
          id: z.string(),
          organisation: z.string(),
          fingerprint: digest.nullable(),
          expires: moment.nullable(),
        })
        .nullable(),
      /**
       * What is in force, as a record of it has to say it; null where it is unprovisioned. A tool that begins where another
       * was cut off knows it from nowhere else.
       */
      inForce: z
        .strictObject({
          /** SPKI in PEM. */
          publicKey: words(2048),
          /** SHA-256 fingerprints of the roots it trusts. */
          authority: z.array(digest).min(1),
          ownershipCounter: count,
          /** SHA-256 of the CMS of the voucher it was taken by. */
          voucher: digest,
          /** Of the site as it was written. */
          site: digest,
        })
        .nullable(),
      /** How often it was given to an owner; survives every reset. */
      ownershipCounter: count,
      /** Of this session: a voucher that names it is good for nothing else. */
      nonce: hex(32),
      /** SHA-256 fingerprints of the authorities whose vouchers it takes. */
      maker: z.array(digest).min(1),
      interfaces: z.array(
        z.strictObject({
          name: z.string(),
          kind: z.enum(['wired', 'wireless']),
          hardwareAddress: z.string(),
          addresses: z.array(z.string()),
        }),
      ),
      /** Serial ports it could hear radio on; `holder` is another program that has one open. */
      ports: z.array(z.strictObject({ path: words(256), holder: words(200).nullable() })),
      /** Readings of its present owner that the cloud does not have. */
      undelivered: count,
      clock: z.strictObject({ wall: moment, trusted: z.boolean() }),
    }),
  },
  own: {
    body: z.strictObject({
      /** CMS, base64. */
      voucher: words(32 * 1024),
      /** What happens to readings of another owner that were never delivered: without this they are a refusal. */
      discardUndelivered: z.boolean().default(false),
    }),
    reply: z.strictObject({ organisation: z.string(), ownershipCounter: count }),
  },
  listen: {
    body: z.strictObject({ on: z.boolean() }),
    reply: nothing,
  },
  key: {
    body: z.strictObject({
      gatewayId: z.string().refine(isGatewayId, 'must be a gateway id'),
      /** Of the tool, hex. */
      challenge: hex(64),
    }),
    reply: z.strictObject({
      /** PKCS#10, PEM. */
      request: words(16 * 1024),
      /** Over `keyProof`, base64. */
      proof: words(2048),
    }),
  },
  write: {
    /** A `Site` as JSON text. */
    body: z.strictObject({ site: z.string() }),
    reply: z.strictObject({ digest }),
  },
  /** What was written in this session; where nothing was, what is in force, if it is the owner's. */
  read: {
    body: nothing,
    reply: z.strictObject({
      digest,
      gatewayId: z.string(),
      /** The configuration file as it was read back and parsed. */
      configuration: z.record(z.string(), z.unknown()),
      /** SHA-256 fingerprints of what the files hold. */
      authority: z.array(digest),
      chain: z.array(digest),
      /** SHA-256 of each secret that was written in this session, by the path of its member in the site. */
      secrets: z.record(z.string(), digest),
      /** What is in force and no part of its configuration; undefined where it is what was written in this session. */
      present: z
        .strictObject({
          name: z.string(),
          /** Without the passphrase. */
          network: network.omit({ wifi: true }).extend({ wifi: wifi.omit({ passphrase: true }).optional() }),
          /** SHA-256 of the pre-shared key (hex) and of the proxy's password; null where there is none. */
          preSharedKey: digest.nullable(),
          proxyPassword: digest.nullable(),
        })
        .optional(),
    }),
  },
  commit: {
    body: z.strictObject({ digest }),
    reply: z.strictObject({ state }),
  },
  trial: {
    body: z.strictObject({ seconds: z.number().int().min(5).max(600) }),
    reply: z.strictObject({
      /** A reading that the cloud has acknowledged. */
      reading: z.strictObject({ epoch: hex(32), number: count, tag: z.string() }),
      fingerprint: digest,
    }),
  },
  sign: {
    /** A record as JSON text. */
    body: z.strictObject({ record: words(16 * 1024) }),
    /** Over `recordToSign`, base64. */
    reply: z.strictObject({ signature: words(2048) }),
  },
  reset: {
    body: nothing,
    /** Readings that are gone with it. */
    reply: z.strictObject({ undelivered: count }),
  },
  close: { body: nothing, reply: nothing },
} as const satisfies Record<string, { body: z.ZodType; reply: z.ZodType }>;

export type QuestionName = keyof typeof questions;
export type QuestionBody<N extends QuestionName> = z.output<(typeof questions)[N]['body']>;
export type Reply<N extends QuestionName> = z.output<(typeof questions)[N]['reply']>;

/** What a gateway tells unasked. */
export const news = {
  heard: z.strictObject({ tags: z.array(heardTag).max(256) }),
  trial: z.strictObject({
    step: z.enum(['network', 'clock', 'enrolling', 'connecting', 'connected', 'hearing', 'delivered']),
    detail: words(300),
  }),
} as const;

export type NewsName = keyof typeof news;
export type News<N extends NewsName> = z.output<(typeof news)[N]>;

/** Why a question is refused; the answer says besides what was wrong and what to do. */
export const refusals = {
  'question-malformed': 'the question is not what the protocol says',
  'not-owned': 'nobody has shown a voucher in this session',
  'voucher-refused': 'the voucher is not for this board, this session or this time, or not of its maker',
  'undelivered-readings': 'readings of the present owner are not delivered yet, and would be lost',
  'key-missing': 'the site is for a gateway id that no key was asked for',
  'site-invalid': 'the site cannot be used: each wrong key is named',
  'chain-refused': "the chain is not for this gateway's key and id, or not of the authority beside it",
  'nothing-written': 'no site was written',
  'digest-differs': 'what was written last is another site',
  'not-committed': 'it is not provisioned yet',
  'trial-failed': 'no reading was acknowledged in that time; the reason says how far it came',
  'record-refused': 'the record is not of this gateway',
  'disk-failed': 'the disk did not take it',
} as const;

export type RefusalCode = keyof typeof refusals;
