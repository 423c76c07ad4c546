import { statusOf } from '@loadline/sdk/api';
import type { Standing } from '../../../access/index.ts';
import type { Editor, Result } from '../../../people/index.ts';
import type { Device } from '../../../router/index.ts';
import type { AuditDraft } from '../../../store/index.ts';
import type { Maker } from '../../../tokens/index.ts';
import type { Caller, EntryPart } from '../call.ts';
import { Problem } from '../problem.ts';

/** What was done; throws the problem where it was refused. */
export function doneOf<T>(result: Result<T>): T {
  if (result.kind === 'done') return result.value;
  throw new Problem(statusOf[result.code], result.code, result.detail);
}

/** The caller as one who changes something in an organisation. */
export function editorOf(call: {
  readonly caller: Caller;
  readonly standing: Standing;
  readonly again: () => Promise<Standing | undefined>;
  readonly entry: (what?: EntryPart) => AuditDraft;
}): Editor {
  const { standing, again, entry } = call;
  return { standing, again, person: personOf(call.caller), entry };
}

/** The caller as one who makes or changes tokens, applications and keys. */
export function makerOf(call: Parameters<typeof editorOf>[0]): Maker {
  return { ...editorOf(call), token: call.caller.kind === 'token' ? call.caller.id : null };
}

/** Opaque id of the person who calls: of a program, who made its token. */
export function personOf(caller: Caller): string {
  return caller.kind === 'token' ? caller.creator : caller.id;
}

/** Who calls, as it is kept. */
export function partyOf({ kind, id }: Caller): { kind: string; id: string } {
  return { kind, id };
}

/** Throws the problem where a device is retired: nothing is made for it any more. */
export function demandInService({ id, retired }: Device): void {
  if (retired !== null)
    throw new Problem(409, 'conflict', `${id} was retired at ${isoTime(retired)}, for good`);
}

/** A time as the API says it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
