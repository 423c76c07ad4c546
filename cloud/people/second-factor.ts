import { Secret, TOTP } from 'otpauth';

/** What every authenticator app takes (RFC 6238: its defaults): SHA-1, six digits, 30 s. */
const form = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** Steps that the clock of a telephone may be off, either way. */
const toleratedSteps = 1;

/** A new secret, base32: 160 random bits, as RFC 4226, section 4, asks for. To be kept sealed. */
export function makeTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/**
 * What an authenticator app takes in, as a link or a QR code: it holds the secret. `account`: the user's e-mail. A colon
 * parts the two in the link, and may be in neither (Key URI format).
 */
export function totpUri(of: {
  readonly secret: string;
  readonly issuer: string;
  readonly account: string;
}): string {
  const [issuer, label] = [of.issuer, of.account].map((text) => text.replaceAll(':', ' ').trim());
  return new TOTP({ ...form, issuer, label, secret: of.secret }).toString();
}

/** A code that somebody typed. */
export interface CodeAttempt {
  /** Base32. */
  readonly secret: string;
  readonly code: string;
  /** ms since 1970. */
  readonly now: number;
  /** The step of the code that was taken last; undefined where none was. */
  readonly lastStep: number | undefined;
}

/**
 * The step (of 30 s, since 1970) of a right code, to be kept as the last one; undefined for a wrong code, and for one of
 * a step that is not after the last: each is good once (RFC 6238, section 5.2). The caller keeps the step only where
 * what is kept is still `lastStep`, or two who bring the code at once are both let in.
 */
export function acceptCode({ secret, code, now, lastStep }: CodeAttempt): number | undefined {
  const token = code.replaceAll(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const totp = new TOTP({ ...form, secret });
  const off = totp.validate({ token, timestamp: now, window: toleratedSteps });
  if (off === null) return undefined;
  const step = totp.counter({ timestamp: now }) + off;
  return lastStep === undefined || step > lastStep ? step : undefined;
}
