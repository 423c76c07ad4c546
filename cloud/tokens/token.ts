import { z } from 'zod';
import { closeEnvelope, type EnvelopeFault, type EnvelopeKind, openEnvelope } from '../keys/envelope.ts';
import type { Keyring } from '../keys/index.ts';

/** The longest life of a token, in ms: 366 days. The keys keep what opens it for so long. */
export const longestTokenMilliseconds = 366 * 24 * 3_600_000;

/** Characters of the longest token: it has to fit into a header beside others. */
const longestToken = 8_192;

/** What an API token says. */
export interface TokenClaims {
  /** Id of the token's row: whether it is active is asked there. */
  readonly id: string;
  readonly organisation: string;
  /** Id of the user who made it: it can do no more than he. */
  readonly creator: string;
  /** Scopes and patterns of scopes, as given. */
  readonly scopes: readonly string[];
  /** Devices it is restricted to; all that its creator reaches where it says none. */
  readonly devices?: readonly string[] | undefined;
  /** Tags whose devices it is restricted to. */
  readonly tags?: readonly string[] | undefined;
  /** ms since 1970, whole seconds. */
  readonly issued: number;
  /** ms since 1970, whole seconds; the first moment at which it is no longer good. */
  readonly expires: number;
}

/** Why a token is refused. For the audit log: who sent it is told only that it is not good. */
export type TokenFault = EnvelopeFault | 'issuer' | 'audience' | 'claims' | 'expired';

export type TokenReading =
  | { readonly kind: 'token'; readonly claims: TokenClaims }
  | { readonly kind: 'refused'; readonly fault: TokenFault };

/** Who makes tokens and reads them. */
export interface TokenRealm {
  readonly keys: Keyring;
  /** This installation, by a name that no other has. */
  readonly issuer: string;
  /** What the token is for, such as its REST API: a door reads the tokens for itself only. */
  readonly audience: string;
  /** ms since 1970. */
  readonly now: () => number;
}

const kind: EnvelopeKind = { purpose: 'api-token', typ: 'loadline-token+jwt', longest: longestToken };

const texts = z.array(z.string());

/** The claims (RFC 7519, section 4.1, and five of our own); times in seconds since 1970. */
const payloadSchema = z.strictObject({
  iss: z.string(),
  aud: z.string(),
  jti: z.string(),
  organisation: z.string(),
  creator: z.string(),
  scopes: texts,
  devices: texts.optional(),
  tags: texts.optional(),
  iat: z.int(),
  exp: z.int(),
});

/**
 * Makes a token, and says what it says: its times are cut to whole seconds. The value is to be shown once and kept
 * nowhere.
 * @throws RangeError where its life is nothing or too long, or it says more than a token can hold
 */
export async function mintToken(
  realm: TokenRealm,
  wanted: Omit<TokenClaims, 'issued'>,
): Promise<{ readonly token: string; readonly claims: TokenClaims }> {
  const { id, organisation, creator, scopes, devices, tags } = wanted;
  const [iat, exp] = [seconds(realm.now()), seconds(wanted.expires)];
  // In whole seconds a life may seem longer than it is, by less than one.
  if (!(exp > iat && wanted.expires - realm.now() <= longestTokenMilliseconds)) {
    throw new RangeError('a token expires after it is made, and within 366 days');
  }
  const { issuer: iss, audience: aud } = realm;
  const payload = { iss, aud, jti: id, organisation, creator, scopes, devices, tags, iat, exp };
  const token = await closeEnvelope(realm.keys, kind, Buffer.from(JSON.stringify(payload)));
  return { token, claims: { ...wanted, issued: iat * 1000, expires: exp * 1000 } };
}

/**
 * Reads a token: that it is one of this realm's and has not expired. Whether it was revoked, and what its creator may
 * do now, is not in it.
 */
export async function readToken(realm: TokenRealm, token: string): Promise<TokenReading> {
  const opened = await openEnvelope(realm.keys, kind, token);
  if (opened.kind === 'refused') return opened;
  const parsed = payloadSchema.safeParse(parse(opened.content));
  if (!parsed.success) return { kind: 'refused', fault: 'claims' };
  const { iss, aud, jti: id, iat, exp, ...rest } = parsed.data;
  if (iss !== realm.issuer) return { kind: 'refused', fault: 'issuer' };
  if (aud !== realm.audience) return { kind: 'refused', fault: 'audience' };
  if (realm.now() >= exp * 1000) return { kind: 'refused', fault: 'expired' };
  return { kind: 'token', claims: { id, ...rest, issued: iat * 1000, expires: exp * 1000 } };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

function parse(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString());
  } catch {
    return undefined;
  }
}
