import * as z from 'zod';
import { releaseTarget, releaseVersion } from '../release/index.ts';

/** What the API says and takes of releases, their way to gateways, and what those run. */

/** Bytes of a part of a file that is sent at a time: it comes within the time that a request has on a slow line, too. */
export const releasePartBytes = 512 * 1024;

/** Characters of metadata that are brought at a time. */
const metadataCharacters = 5_000_000;

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex');

/** A release in the repository. */
export const releaseReply = z.object({
  id: z.string().describe('version and target, as in 1.4.0/linux-arm64'),
  version: z.string(),
  target: z.string(),
  commit: z.string().describe('what it was built from'),
  built: z.string().describe('the time of that commit'),
  node: z.string().describe('version of the Node inside'),
  files: z.number(),
  bytes: z.number().describe('that travel to a gateway that has none of it'),
  manifest: z.string().describe('SHA-256 of the manifest, by which it is signed'),
});

const signedMetadata = z
  .object({ version: z.number(), expires: z.string() })
  .nullable()
  .describe('null where there is none yet');

/** How it stands with the repository. */
export const repositoryReply = z.object({
  root: signedMetadata,
  targets: signedMetadata,
  fault: z
    .string()
    .nullable()
    .describe('why gateways cannot be updated from it, or not for long; null where all is well'),
  keys: z
    .array(
      z.object({
        role: z.enum(['snapshot', 'timestamp']),
        id: z.string().describe('by which metadata names it'),
        public: z.string().describe('Ed25519, 32 bytes in hex'),
        made: z.string(),
      }),
    )
    .describe('by which the cloud signs by itself; the newest of each role first'),
});

export const newUploadBody = z.strictObject({
  files: z.array(digest).min(1).max(2500).describe('SHA-256 of manifests and packed files'),
});

export const newUploadReply = z.object({
  missing: z.array(z.object({ sha256: z.string(), from: z.number().describe('bytes of it that are here') })),
});

export const releasePartBody = z.strictObject({
  from: z.number().int().nonnegative().describe('bytes before this part'),
  length: z.number().int().positive().describe('bytes of the whole file'),
  data: z
    .string()
    .max(Math.ceil(releasePartBytes / 3) * 4)
    .describe(`at most ${releasePartBytes} bytes, in base64`),
});

export const releasePartReply = z.object({
  from: z.number().describe('bytes of it that are here'),
  isWhole: z.boolean(),
});

export const newReleasesBody = z.strictObject({
  roots: z
    .array(z.string().max(512_000))
    .max(1000)
    .describe('root metadata as it was signed; what is here already is passed over'),
  targets: z.string().max(metadataCharacters).describe('targets metadata as it was signed'),
});

export const newReleasesReply = z.object({
  changed: z.boolean().describe('false where all of it was here already'),
  root: z.number(),
  targets: z.number(),
  releases: z.number(),
});

const ring = z
  .enum(['canary', 'percent', 'all'])
  .describe('whom it reaches: canaries; those and a share of the others; all');
const percent = z
  .number()
  .int()
  .min(0)
  .max(100)
  .describe('the share of gateways that are no canaries, in the ring percent');
const rolloutState = z.enum(['running', 'paused', 'finished', 'halted']);

/** By what a rollout is halted by itself. */
const halt = {
  haltCount: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .describe('gateways on which it ended badly that halt it; in the ring canary one does'),
  haltPercent: z.number().int().min(1).max(100).describe('and their share of all on which it has ended'),
  haltMinutes: z
    .number()
    .int()
    .min(5)
    .max(10_080)
    .describe('minutes in which a gateway that took it has to confirm it, or it counts as ended badly'),
} as const;

const unheard = z
  .array(z.string().min(1).max(100))
  .max(100)
  .describe(
    'ids of organisations by whose gateways it is not judged: they are offered it, and cannot halt it',
  );

const count = z.number();

/** A rollout and how it goes. */
export const rolloutReply = z.object({
  id: z.string(),
  release: z.string(),
  target: z.string(),
  ring,
  percent,
  state: rolloutState,
  reason: z.string().nullable().describe('why it was halted'),
  ...halt,
  unheard,
  created: z.string(),
  by: z.string(),
  changed: z.string(),
  gateways: z
    .object({
      reached: count.describe('gateways that it is for, as far as they have said what they are'),
      arrived: count.describe('those of them that run it'),
      underWay: count.describe('were offered it and have not come to an end'),
      confirmed: count,
      rolledBack: count,
      refused: count,
      overdue: count.describe('took it, and did not confirm it in time'),
    })
    .describe('how many'),
  failures: z
    .array(
      z.object({
        organisation: z.string().describe('whose gateways they are; which they are, its administrators see'),
        state: z.string().describe('rolled-back or refused; of what is overdue, how far it was'),
        code: z.string().nullable(),
        detail: z.string().nullable(),
        gateways: count,
      }),
    )
    .describe('what gateways said on which it ended badly, those alike of one organisation together'),
  waits: z
    .array(
      z.object({
        organisation: z.string(),
        detail: z.string().nullable().describe('what they wait for, in their words'),
        gateways: count,
      }),
    )
    .describe(
      'why gateways that were offered it have not taken it yet, those alike of one organisation together',
    ),
});

export const newRolloutBody = z.strictObject({
  release: releaseVersion,
  target: releaseTarget,
  ring: ring.default('canary'),
  percent: percent.default(0),
  haltCount: halt.haltCount.optional(),
  haltPercent: halt.haltPercent.optional(),
  haltMinutes: halt.haltMinutes.optional(),
  unheard: unheard.default([]),
});

export const rolloutChangeBody = z.strictObject({
  ring: ring.optional(),
  percent: percent.optional(),
  state: rolloutState.optional(),
  reason: z.string().trim().min(1).max(300).optional().describe('why it is halted'),
  haltCount: halt.haltCount.optional(),
  haltPercent: halt.haltPercent.optional(),
  haltMinutes: halt.haltMinutes.optional(),
});

export const retriedReply = z.object({ gateways: z.number().describe('that are offered it once more') });

/** What a gateway runs, and how far it is. */
const updateState = {
  release: z.string(),
  target: z.string(),
  slot: z.string().nullable().describe('null where no launcher starts it: it is updated by hand'),
  state: z
    .string()
    .describe('idle, waiting, downloading, installing, trying, confirmed, rolled-back or refused'),
  offer: z.string().nullable(),
  code: z.string().nullable().describe('why it was refused'),
  detail: z.string().nullable(),
  done: z.number().nullable().describe('bytes, while it downloads'),
  total: z.number().nullable(),
  secondsLeft: z.number().nullable().describe('while it tries the release'),
} as const;

const runningReply = z.object({
  ...updateState,
  since: z.string(),
  heard: z.string().describe('when it said so last'),
});
export type RunningReply = z.infer<typeof runningReply>;

/** What a gateway says of its update, as it is told live. */
export const liveUpdate = z.object({ device: z.string(), ...updateState });

export const updateListReply = z.object({
  device: z.string(),
  canary: z.boolean(),
  pin: z.string().nullable(),
  running: runningReply.nullable(),
});

/** All of one gateway's updates. */
export const updateReply = z.object({
  canary: z.boolean().describe('gets a release before the others'),
  pin: z.string().nullable().describe('the release it is kept at'),
  pinnedBy: z.string().nullable(),
  paused: z.boolean().describe('its organisation has its gateways wait'),
  running: runningReply.nullable().describe('null where it has said nothing yet'),
  wish: z
    .object({ release: z.string(), by: z.enum(['rollout', 'pin']) })
    .nullable()
    .describe('what it is to run; null where it is to stay with what it has'),
  releases: z.array(z.string()).describe('that there are for what it is, the newest first'),
  offers: z
    .array(
      z.object({
        id: z.string(),
        release: z.string(),
        by: z.enum(['rollout', 'pin']),
        made: z.string(),
        state: z.string(),
        code: z.string().nullable(),
        detail: z.string().nullable(),
        since: z.string(),
      }),
    )
    .describe('what it was offered, the newest first'),
});

export const updateChangeBody = z.strictObject({
  canary: z.boolean().optional().describe('gets a release before the others'),
  pin: releaseVersion
    .nullable()
    .optional()
    .describe('a release it is to run whatever is rolled out; null: none'),
});
