import type { LauncherResult } from '../slots/index.ts';
import type { Proof } from './machine.ts';

const reasons: Readonly<Record<Extract<LauncherResult, { kind: 'rolled-back' }>['reason'], string>> = {
  starts: 'it was begun as often as it may be, and did not stay',
  deadline: 'it did not report health in time',
  configuration: 'it cannot use the configuration of this gateway',
  missing: 'what lies in its slot cannot be run',
};

/** Why the launcher went back from a trial, in words; with what it had shown for itself, where it noted that. */
export function wentBack(
  { reason, slot }: Extract<LauncherResult, { kind: 'rolled-back' }>,
  proof: Proof | undefined,
): string {
  return `slot ${slot}: ${reasons[reason]}${proof === undefined ? '' : `; ${shown(proof)}`}`;
}

/** What the launcher left, and for what, in words. */
export function fellBack({ slot, to, reason }: Extract<LauncherResult, { kind: 'fell-back' }>): string {
  const why = reason === 'deaths' ? 'died at once, three times in a row' : 'cannot be run';
  return `what lies in slot ${slot} ${why}; slot ${to} runs`;
}

function shown({ acknowledged, heard }: Proof): string {
  if (!acknowledged)
    return heard ? 'it heard frames, and did not reach the cloud' : 'it did not reach the cloud';
  return heard ? 'it had reached the cloud and heard frames' : 'it reached the cloud, and heard no frame';
}
