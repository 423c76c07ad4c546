import { createHash, randomBytes } from 'node:crypto';

const hour = 3_600_000;

/** What a link is for, and how long it is good, in ms. All go by mail but `setup`, which the console prints. */
export const linkLives = {
  setup: 24 * hour,
  'set-password': 7 * 24 * hour,
  'reset-password': hour,
  'keep-second-factor': 72 * hour,
} as const;

export type LinkPurpose = keyof typeof linkLives;

/** A one-time secret for a mail. */
export interface Link {
  /** 256 random bits, base64url: for the mail alone. */
  readonly secret: string;
  /** What is kept. */
  readonly hash: Buffer;
  /** ms since 1970; from then on it is good no more. */
  readonly expires: number;
}

/** Makes a link's secret. `now`: ms since 1970. */
export function makeLink(purpose: LinkPurpose, now: number): Link {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: hashOf(purpose, secret), expires: now + linkLives[purpose] };
}

/**
 * What is kept of a secret that somebody brought; undefined where it cannot be one. The purpose is in the hash: a
 * secret for one thing is found for no other. A secret is good once: the row with this hash, if `now < expires`, is
 * deleted in the change that does what it is for.
 */
export function linkHash(purpose: LinkPurpose, secret: string): Buffer | undefined {
  return /^[\w-]{43}$/.test(secret) ? hashOf(purpose, secret) : undefined;
}

/**
 * The link for the mail. The secret is in the fragment, which a browser sends to nobody: no log has it, and a program
 * that looks at links ahead of their reader spends nothing.
 *
 * `origin`: such as `https://cloud.example.org`.
 */
export function linkUrl(origin: string, purpose: LinkPurpose, secret: string): string {
  const url = new URL('/', origin);
  url.hash = `${purpose}=${secret}`;
  return url.href;
}

/** How long an address that got a mail of being invited remembers it, in ms. */
const invitedLife = hour;

/**
 * The places that such mails to an address take: three an hour, whoever sends them. They are rows among the links, which
 * open nothing and go like them, and say no address. `now`: ms since 1970.
 */
export function invitedPlaces(email: string, now: number) {
  const place = (number: number) => hashOf('invited', `${email.toLowerCase()}\0${number}`);
  return { first: place(1), second: place(2), third: place(3), expires: now + invitedLife };
}

function hashOf(purpose: LinkPurpose | 'invited', secret: string): Buffer {
  return createHash('sha256').update(`${purpose}\0${secret}`).digest();
}
