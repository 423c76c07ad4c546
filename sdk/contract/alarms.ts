import * as z from 'zod';

/**
 * What an organisation is told to look at, the same in the API, mails, live messages and the docs. A kind is never reused
 * with another meaning.
 */
export const alarms = {
  'identity-cloned': {
    meaning:
      'two gateways show one identity: a card or a state folder was copied, an old image of it was put back, or the card loses what was written to it',
    act: 'find both by the addresses they came from, stop the one that is not meant to run, and provision it anew; readings of the one that is refused wait in its journal',
  },
} as const satisfies Record<string, { meaning: string; act: string }>;

export type AlarmKind = keyof typeof alarms;

/** What fleet operators are told to look at: in mails, metrics, the log and the docs. */
export const fleetAlarms = {
  'rollout-halted': {
    meaning:
      'a release went wrong on so many of the gateways that took it that the cloud offers it to no other one',
    act: 'read in the rollout what the gateways said, mend it, and begin another rollout with what mends it; gateways on which it failed run what they ran before',
  },
} as const satisfies Record<string, { meaning: string; act: string }>;
export type FleetAlarmKind = keyof typeof fleetAlarms;

/** An alarm, as the API says it and as it is told live: topic `v1/org/<organisation>/devices/<device>/alarms`. */
export const alarmMessage = z.object({
  id: z.string(),
  device: z.string(),
  kind: z.string(),
  meaning: z.string(),
  act: z.string(),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  /** How often it occurred. */
  times: z.number().int().positive(),
  /**
   * How it is known. `came-back`: a process showed the identity again after another one had: both are alive. `one-parent`:
   * two began from one state of one journal; whether both are alive is not known.
   */
  evidence: z.array(z.enum(['came-back', 'one-parent'])),
  /** Addresses that the identity was shown from. */
  sources: z.array(z.string()),
  /** The processes that showed the identity, what was seen last standing last. */
  epochs: z.array(
    z.object({
      epoch: z.string(),
      /** Where it came from; null where that is not known. */
      source: z.string().nullable(),
      /** The boot it began in; null where nothing of it was delivered yet. */
      boot: z.string().nullable(),
      last: z.iso.datetime(),
    }),
  ),
  /** When somebody said that it is seen to, and who; null before. */
  seen: z.object({ at: z.iso.datetime(), by: z.string() }).nullable(),
});
export type AlarmMessage = z.infer<typeof alarmMessage>;
