import * as z from 'zod';
import { commandBody, limits, reportedMessage, resultMessage } from '../contract/index.ts';

/** What the API says and takes of what reaches down to a gateway: its desired configuration, and commands. */

/** Keys of a gateway's file that only the gateway itself may say, from the top: see `desiredMessage`. */
const ownKeys = [
  ['gateway'],
  ['enrolment'],
  ['drivers'],
  ['control'],
  ['uplink', 'authority'],
  ['uplink', 'proxy', 'password_file'],
] as const;

/** Body of `PUT …/desired`: what the gateway is to be configured as, whole. */
export const desiredBody = z.strictObject({
  configuration: z.record(z.string(), z.unknown()).superRefine((configuration, context) => {
    if (isDeeper(configuration, limits.configurationDepth)) {
      context.addIssue(`more than ${limits.configurationDepth} levels deep`);
      return;
    }
    for (const path of ownKeys) {
      if (!holds(configuration, path)) continue;
      const message = `${path.join('.')} is for the gateway's own file to say: leave it out`;
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  }),
});

export const newDesiredReply = z.object({ revision: z.string() });

const outcome = reportedMessage.shape.configuration.shape.last.unwrap().shape.outcome;

export const desiredReply = z.object({
  desired: z
    .object({
      revision: z.string(),
      configuration: z.record(z.string(), z.unknown()),
      /** When and by whom. */
      time: z.string(),
      by: z.string(),
    })
    .nullable(),
  /** What the gateway last said of its configuration; null where it has not. */
  reported: reportedMessage.shape.configuration.nullable(),
  /**
   * Where the desired configuration stands: `none` is desired, it is `waiting` for the gateway's word, `in-force`, or
   * what the gateway made of it.
   */
  state: z.enum(['none', 'waiting', 'in-force', ...outcome.options]),
});

/** Body of `POST …/commands`. A `transmit` is EXPERIMENTAL: it speaks on a radio that T24 modules listen to. */
export const newCommandBody = z.strictObject({
  command: commandBody.describe('such as {"kind": "report"}'),
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .max(limits.commandMilliseconds / 1000)
    .describe('seconds after which it is not carried out any more'),
});
export const newCommandReply = z.object({ id: z.string() });

/** One command. `sent`: it has been put on a link at least once; what came of it is not known. */
export const commandReply = z.object({
  id: z.string(),
  command: commandBody,
  state: z.enum(['waiting', 'sent', ...resultMessage.shape.outcome.options]),
  /** The gateway's own words, once it has answered. */
  detail: z.string().nullable(),
  created: z.string(),
  by: z.string(),
  expires: z.string(),
  sent: z.string().nullable(),
  finished: z.string().nullable(),
});
export type CommandReply = z.infer<typeof commandReply>;

/** Whether a JSON value has more than `levels` of objects and arrays in each other; looks no deeper than that. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1));
}

function holds(value: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
  return holds((value as Record<string, unknown>)[key], rest);
}
