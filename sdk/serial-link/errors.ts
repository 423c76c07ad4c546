import type { Code } from '../contract/index.ts';

/** Codes that the link itself refuses with; those that the other end's program answers with are its own. */
export type LinkCode = Extract<Code, `link-${string}`>;

/** Why something did not come about over a link: `code` names it, `message` says it, `act` says what to do. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: string;
  readonly act: string;

  /** `code`: of lower case letters, digits and hyphens, at most 64. */
  constructor(code: string, says: string, act: string, options?: ErrorOptions) {
    super(says, options);
    this.code = code;
    this.act = act;
  }
}

/** An error of the link's own. */
export function linkError(code: LinkCode, says: string, act: string, cause?: unknown): LinkError {
  return new LinkError(code, says, act, { cause });
}

/** What becomes of what was under way when its session ended, or the link was closed. */
export function endedError(state: string): LinkError {
  if (state === 'closed') return linkError('link-closed', 'the serial link was closed', 'open another one');
  const says = 'the other end was restarted, or ended the session, before it answered or acknowledged';
  return linkError('link-session-ended', says, 'ask it for its state, and go on from there');
}
