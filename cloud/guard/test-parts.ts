import { createSecretKey } from 'node:crypto';
import { type Alarm, type Block, Guard, type GuardOptions, type Subject, type UnblockedBy } from './index.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Monday, some November. */
const start = Date.UTC(2026, 10, 23, 8);

export interface Parts {
  readonly guard: Guard;
  readonly clock: { now: number };
  readonly alarms: Alarm[];
  /** What a restart would find. */
  readonly kept: Map<string, Block>;
  readonly ended: { block: Block; by: UnblockedBy }[];
}

/** A guard with a clock in hand, and all that it tells. */
export function guardParts(
  options: Partial<Pick<GuardOptions, 'size' | 'nameKey'>> & { clock?: { now: number } } = {},
): Parts {
  const clock = options.clock ?? { now: start };
  const alarms: Alarm[] = [];
  const kept = new Map<string, Block>();
  const ended: Parts['ended'] = [];
  const guard = new Guard({
    nameKey: options.nameKey ?? createSecretKey(Buffer.alloc(32, 1)),
    deviceKeys: [createSecretKey(Buffer.alloc(32, 2))],
    now: () => clock.now,
    onAlarm: (alarm) => alarms.push(alarm),
    onBlock: (block) => kept.set(block.id, block),
    onUnblock: (block, by) => {
      kept.delete(block.id);
      ended.push({ block, by });
    },
    size: options.size,
  });
  return { guard, clock, alarms, kept, ended };
}

export function account(name: string): Subject {
  return { kind: 'account', name };
}

export type Tried = 'go' | { readonly why: string; readonly retryAfterSeconds: number };

/** One attempt from beginning to end; what the guard answered it. */
export function tries(
  guard: Guard,
  end: 'failed' | 'succeeded',
  subject: Subject,
  source: string,
  device?: string,
): Tried {
  const answer = guard.ask({ subject, source, device });
  if (!answer.go) return { why: answer.why, retryAfterSeconds: answer.retryAfterSeconds };
  guard[end](answer.permit);
  return 'go';
}

/** The n-th of very many IPv4 addresses. */
export function address(n: number): string {
  return `${1 + ((n >> 24) % 223)}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}
