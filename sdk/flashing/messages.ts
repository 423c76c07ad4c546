import * as z from 'zod';
import { slotName } from '../contract/index.ts';
import { releaseTarget, releaseVersion } from '../release/index.ts';

/** Bytes of a file that are asked for at once: seconds of a slow line, and what is lost where a program is killed. */
export const chunkBytes = 64 * 1024;

const words = z.string().max(400);
const count = z.number().int().nonnegative();
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');

/** A release that came, or is to come, over the line. */
const release = { id: z.uuid(), release: releaseVersion };

/** How far a gateway is with a release from the line. What is `confirmed`, `rolled-back` or `refused` is its end. */
export const flashState = z.discriminatedUnion('state', [
  /** Nothing came over the line yet. */
  z.strictObject({ state: z.literal('idle') }),
  /** Bytes of the packed files that it lacks; `total` is 0 until it knows. */
  z.strictObject({ state: z.literal('fetching'), ...release, done: count, total: count }),
  /** All is there; root's installer checks it again, and puts it into the slot that is free. */
  z.strictObject({ state: z.literal('installing'), ...release }),
  /** This process ends, and the launcher starts the new one. */
  z.strictObject({ state: z.literal('switching'), ...release, slot: slotName, seconds: count }),
  /** It runs, and has to show that it is healthy. */
  z.strictObject({ state: z.literal('trying'), ...release, slot: slotName, seconds: count }),
  z.strictObject({ state: z.literal('confirmed'), ...release }),
  /** The launcher went back. */
  z.strictObject({ state: z.literal('rolled-back'), ...release, detail: words }),
  /** By a code of releases (`sdk/release`), or `source-failed` where the line or the tool was lost: asked again it goes on. */
  z.strictObject({ state: z.literal('refused'), ...release, code: z.string().max(64), detail: words }),
]);
export type FlashState = z.output<typeof flashState>;

/** What a tool asks a gateway. */
export const flashQuestions = {
  /** How far it is, and what runs. */
  'flash-state': {
    body: z.strictObject({}),
    reply: z.strictObject({
      running: z.strictObject({
        release: releaseVersion,
        /** Null where no launcher started it: nobody could go back. */
        slot: slotName.nullable(),
        target: releaseTarget.nullable(),
      }),
      flash: flashState,
    }),
  },
  /** Have this release: the gateway asks for what it lacks (`flash-read`), over this very line. */
  'flash-begin': {
    body: z.strictObject({ release: releaseVersion, target: releaseTarget }),
    reply: z.strictObject({ id: z.uuid() }),
  },
} as const satisfies Record<string, { body: z.ZodType; reply: z.ZodType }>;

export type FlashQuestionName = keyof typeof flashQuestions;
export type FlashBody<N extends FlashQuestionName> = z.output<(typeof flashQuestions)[N]['body']>;
export type FlashReply<N extends FlashQuestionName> = z.output<(typeof flashQuestions)[N]['reply']>;

/** What the gateway asks the tool meanwhile: a part of a file of the repository (see `repository` of `sdk/release`). */
export const flashRead = {
  name: 'flash-read',
  body: z.strictObject({
    kind: z.enum(['metadata', 'target', 'blob']),
    /** `timestamp.json`; `releases/1.4.0/linux-arm64/<sha256>.manifest.json`; the digest of a packed file. */
    name: z
      .string()
      .max(300)
      .regex(
        /^[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$/,
        'must be a path inside a repository',
      ),
    from: count,
    most: z.number().int().positive().max(chunkBytes),
  }),
  /** Null where there is no such file. Fewer bytes than `most` only at its end. */
  reply: z.strictObject({ bytes, total: count }).nullable(),
} as const;

/** Why a gateway takes no release over the line. */
export const flashRefusals = {
  'flash-malformed': 'the question is not what the protocol says',
  'flash-no-launcher': 'no launcher started this gateway, so nobody could go back',
  'flash-no-root': 'nothing here says whose releases to trust',
  'flash-other-target': 'the release is for another kind of machine',
  'flash-busy': 'another release is being put into a slot, or on trial',
  'flash-disk-failed': 'the disk of the gateway does not take the note of what is to come',
} as const;
export type FlashRefusal = keyof typeof flashRefusals;
