import { limits } from '../contract/index.ts';

/**
 * When a link that says nothing is asked whether it is there, and when it is given up. A half-open link is found no
 * later than `keepalive` + 5 s after the last byte that came, 15 s with the default keepalive, idle or busy.
 *
 *     heard |--- keepalive ---> ask |--- 5 s ---> lost                       nothing under way
 *     heard |- less than 2 s -> publish |--- 13 s ---> lost                  busy: it may be holding its answer
 *     heard |-- 2 s or more --> ask, publish |--- 5 s ---> lost              busy after a silence: asked first
 *
 * The cloud may hold the answer to a publish for as long as a commit may take, and answers no question that came
 * after it meanwhile. A question ahead of the publish it answers at once.
 *
 * MQTT.js's own keepalive is not used: it counts from what was sent, asks after the keepalive and gives up after 1.5
 * of it, so that whoever publishes more often than that never asks, and a commit that takes its time ends the link.
 */
export interface Silence {
  /** When the last byte came; at first, when the link was made. Times are monotonic milliseconds. */
  readonly heard: number;
  /** When something was last sent. */
  readonly sent: number;
  /** When the oldest publish without an answer was sent. */
  readonly unanswered: number | undefined;
  /** When the question was sent that nothing unanswered went ahead of, if no byte has come since. */
  readonly asked: number | undefined;
}

export type Verdict =
  | { readonly kind: 'lost'; readonly reason: string }
  /** Send a PINGREQ now. */
  | { readonly kind: 'ask' }
  /** Nothing before this time. */
  | { readonly kind: 'wait'; readonly until: number };

/** Milliseconds an answer may take that nothing holds up: several round trips of a bad mobile link. */
const answerMilliseconds = 5000;
/** Milliseconds the answer to a publish may take: a commit, and its way there and back. */
const commitAnswerMilliseconds = limits.commitMilliseconds + 3000;
/** Milliseconds of silence that may still precede a publish, and leave it time for a commit. */
const freshMilliseconds = 2000;

/** What to do about a silence now, `keepalive` being in milliseconds. */
export function watch(silence: Silence, now: number, keepalive: number): Verdict {
  const { heard, sent, unanswered, asked } = silence;
  const lostAt = Math.min(
    asked === undefined ? Number.POSITIVE_INFINITY : asked + answerMilliseconds,
    unanswered === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(unanswered, heard) + commitAnswerMilliseconds,
  );
  if (now >= lostAt) {
    const seconds = Math.round((now - heard) / 1000);
    return {
      kind: 'lost',
      reason: `the link is half-open: nothing has come from the cloud for ${seconds} s`,
    };
  }
  // What was sent alone keeps the cloud from giving the link up; what came alone says that it is there.
  const quietSince = unanswered === undefined && asked === undefined ? Math.min(heard, sent) : sent;
  const askAt = quietSince + keepalive;
  if (now >= askAt) return { kind: 'ask' };
  return { kind: 'wait', until: Math.min(askAt, lostAt) };
}

/** Whether to ask before a publish that is sent now. */
export function askFirst({ heard, unanswered, asked }: Silence, now: number): boolean {
  return unanswered === undefined && asked === undefined && now - heard >= freshMilliseconds;
}
