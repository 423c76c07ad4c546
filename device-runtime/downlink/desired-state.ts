import type { ReportedMessage } from '@loadline/sdk/contract';
import * as z from 'zod';
import { clip } from './hostile.ts';

/** One thing wrong with a configuration. */
export interface Problem {
  readonly key: string;
  readonly message: string;
}

const revision = z.string().min(1).max(64);
const held = z.strictObject({ revision, configuration: z.record(z.string(), z.unknown()) });
const problems = z.array(z.strictObject({ key: z.string().max(200), message: z.string().max(300) })).max(50);

/** Rolled back revisions that are remembered. */
const maxRolledBack = 32;
/** All problems of a revision travel in one message with up to 60 KB of sensors. */
const problemBytes = 2500;

/** What `desired.json` in the state folder holds. Every change of it is written as a whole. */
export const desiredState = z.strictObject({
  version: z.literal(1),
  /** What the cloud desired and has been reached with; null: the gateway's own file as it stands. */
  inForce: held.nullable(),
  /** Being tried, not yet known to reach the cloud. `starts`: of the runtime, since it is. */
  trying: held.extend({ starts: z.number().int().nonnegative() }).nullable(),
  /** What became of the revision that came last, where that is neither. */
  last: z.strictObject({ revision, outcome: z.enum(['refused', 'rolled-back']), problems }).nullable(),
  /** Revisions that are not tried again, the latest last. */
  rolledBack: z.array(revision).max(maxRolledBack),
  /** Rolled back while the one before did not reach the cloud either: to be tried once more when that one does. */
  again: held.nullable().default(null),
  /** What was tried once more already. */
  triedAgain: revision.nullable().default(null),
});
export type DesiredState = z.infer<typeof desiredState>;
export type Held = z.infer<typeof held>;

export const nothingDesired: DesiredState = {
  version: 1,
  inForce: null,
  trying: null,
  last: null,
  rolledBack: [],
  again: null,
  triedAgain: null,
};

export function refused(state: DesiredState, revision: string, problems: readonly Problem[]): DesiredState {
  return {
    ...state,
    trying: null,
    last: { revision, outcome: 'refused', problems: reportable(problems) },
  };
}

export function rolledBack(state: DesiredState, revision: string, reason: string): DesiredState {
  const others = state.rolledBack.filter((each) => each !== revision);
  return {
    ...state,
    trying: null,
    last: {
      revision,
      outcome: 'rolled-back',
      problems: reportable([{ key: 'uplink', message: reason }]),
    },
    rolledBack: [...others, revision].slice(-maxRolledBack),
  };
}

export function confirmed(state: DesiredState): DesiredState {
  const { revision, configuration } = state.trying as Held;
  const rolledBack = state.rolledBack.filter((each) => each !== revision);
  return { ...state, inForce: { revision, configuration }, trying: null, last: null, rolledBack };
}

/** It was rolled back, and that says nothing against it: with the one before the cloud cannot be reached either. */
export function excused(state: DesiredState, { revision, configuration }: Held): DesiredState {
  const reason = 'with the one before neither: it is tried once more when the cloud can be reached';
  return { ...rolledBack(state, revision, reason), again: { revision, configuration } };
}

/** As `reported.configuration` has it. */
export function reportedOf({ inForce, trying, last }: DesiredState): ReportedMessage['configuration'] {
  const latest = trying
    ? { revision: trying.revision, outcome: 'trying' as const, problems: [] }
    : (last ?? undefined);
  return { revision: inForce?.revision ?? null, ...(latest !== undefined && { last: latest }) };
}

/** The first problems, cut to what the contract and the message have room for. */
function reportable(problems: readonly Problem[]): Problem[] {
  const told: Problem[] = [];
  let room = problemBytes;
  for (const { key, message } of problems.slice(0, 50)) {
    const problem = { key: clip(key, 200), message: clip(message, 300) };
    room -= Buffer.byteLength(JSON.stringify(problem));
    if (room < 0) break;
    told.push(problem);
  }
  return told;
}

/** What zod found wrong, by key. */
export function problemsOf({ issues }: z.ZodError): Problem[] {
  return issues.map(({ path, message }) => ({ key: path.map(String).join('.'), message }));
}

/** All problems in one line. */
export function said(problems: readonly Problem[]): string {
  return problems.map(({ key, message }) => `${key} ${message}`.trim()).join('; ');
}
