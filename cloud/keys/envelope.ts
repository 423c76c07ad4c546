import { CompactEncrypt, compactDecrypt, errors } from 'jose';
import type { Keyring, KeyVersion, Purpose } from './version.ts';

/** Why an envelope does not open. */
export type EnvelopeFault =
  /** Not five canonical base64url parts in the right places, or longer than it may be. */
  | 'malformed'
  /** The header says anything but what this kind of envelope is made with. */
  | 'algorithm'
  /** Made with a version that is forgotten or was never there. */
  | 'key'
  /** Changed on its way, or never made with that key. */
  | 'broken';

/** One kind of envelope: which key closes it, and what its header says besides `alg`, `enc` and `kid`. */
export interface EnvelopeKind {
  readonly purpose: Purpose;
  /** Explicit type (RFC 8725, section 3.11): one kind of envelope is never taken for another. */
  readonly typ: string;
  /** What the content belongs to: it opens with the same context only. */
  readonly context?: string;
  /** Characters of the longest one. */
  readonly longest: number;
}

const alg = 'dir';
const enc = 'A256GCM';

/** The one header that an envelope of this kind and version has; the names in order, as other programs write them. */
function header({ typ, context }: EnvelopeKind, version: KeyVersion) {
  return { alg, enc, ...(context === undefined ? {} : { for: context }), kid: version.id, typ };
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');

const encodedHeader = (kind: EnvelopeKind, version: KeyVersion) =>
  base64url(JSON.stringify(header(kind, version)));

/**
 * Closes an envelope: JWE compact serialisation (RFC 7516), `dir` with A256GCM (RFC 7518, sections 4.5 and 5.3).
 * @throws RangeError where it would be longer than its kind may be
 */
export async function closeEnvelope(keys: Keyring, kind: EnvelopeKind, content: Uint8Array): Promise<string> {
  const version = keys.newest(kind.purpose);
  const envelope = await new CompactEncrypt(content)
    .setProtectedHeader(header(kind, version))
    .encrypt(version.subkey(kind.purpose));
  if (envelope.length > kind.longest) {
    throw new RangeError(`${kind.typ}: ${envelope.length} characters, and ${kind.longest} are the most`);
  }
  return envelope;
}

/** What opening gave. */
export type Opened =
  | { readonly kind: 'opened'; readonly content: Uint8Array; readonly version: string }
  | { readonly kind: 'refused'; readonly fault: EnvelopeFault };

/**
 * Opens an envelope. Its header decides nothing: it has to be, to the letter, the header that this cloud writes for
 * this kind and one of its versions. So no other algorithm, no compression, no key or address of a key in it is ever
 * acted upon.
 */
export async function openEnvelope(keys: Keyring, kind: EnvelopeKind, envelope: string): Promise<Opened> {
  const parts = envelope.length > kind.longest ? [] : envelope.split('.');
  const [first = '', , ...sealed] = parts;
  if (parts.length !== 5 || ![first, ...sealed].every(isCanonical)) return refused('malformed');
  const claimed = readHeader(first);
  if (claimed === undefined) return refused('malformed');
  const version = typeof claimed.kid === 'string' ? keys.version(kind.purpose, claimed.kid) : undefined;
  if (version === undefined) return refused(isOurs(kind, claimed) ? 'key' : 'algorithm');
  if (first !== encodedHeader(kind, version)) return refused('algorithm');
  try {
    const { plaintext } = await compactDecrypt(envelope, version.subkey(kind.purpose), {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [enc],
    });
    return { kind: 'opened', content: plaintext, version: version.id };
  } catch (error) {
    if (error instanceof errors.JWEDecryptionFailed) return refused('broken');
    if (error instanceof errors.JOSEError) return refused('malformed');
    throw error;
  }
}

/** The version an envelope says it was made with; undefined where it says none. Proves nothing. */
export function claimedVersion(envelope: string): string | undefined {
  const kid = readHeader(envelope.slice(0, envelope.indexOf('.')))?.kid;
  return typeof kid === 'string' ? kid : undefined;
}

const refused = (fault: EnvelopeFault): Opened => ({ kind: 'refused', fault });

/** Whether a part is how base64url is written: a decoder takes spare bits at the end, which are not authenticated. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function readHeader(part: string): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof header === 'object' && header !== null ? (header as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether only the version in a header is not ours: for the reason that is given, and for nothing else. */
function isOurs(kind: EnvelopeKind, claimed: Record<string, unknown>): boolean {
  const names = Object.keys(claimed).join();
  return (
    claimed.alg === alg &&
    claimed.enc === enc &&
    claimed.typ === kind.typ &&
    claimed.for === kind.context &&
    typeof claimed.kid === 'string' &&
    names === (kind.context === undefined ? 'alg,enc,kid,typ' : 'alg,enc,for,kid,typ')
  );
}
