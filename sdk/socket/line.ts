import { Secret } from '../platform/index.ts';
import { type LineReading, writeReadingsLine } from '../telemetry/index.ts';
import { isMac, macLength, macOf, type SocketSecret } from './mac.ts';

/** A line with a token: a secret that crosses the wire. */
export interface TokenLine {
  readonly kind: 'token';
  readonly token: Secret;
  /** What makes a resend count once; undefined where none is given. */
  readonly id: string | undefined;
  /** The readings alone: to keep and to log, without what proves who sent them. */
  readonly readings: Uint8Array;
}

/** A line that is signed; nothing is known of it until `isSigned` says so. */
export interface SignedLine {
  readonly kind: 'signed';
  /** Id of the socket key. */
  readonly key: string;
  readonly counter: number;
  readonly mac: string;
  /** What the MAC is of: everything before it. */
  readonly signed: Uint8Array;
  readonly readings: Uint8Array;
}

/** What is no line of either form. `reason` says what is wrong with it, and has nothing of it. */
export interface MalformedLine {
  readonly kind: 'malformed';
  readonly reason: string;
}

const credentialPattern = /^[A-Za-z0-9_-]{16,128}$/;
const counterPattern = /^(?:0|[1-9]\d{0,15})$/;
const idPattern = /^[A-Za-z0-9_.-]{1,32}$/;

const space = 0x20;

/** Takes a line apart, without its end. The readings are left as they are: `readNamed('line', …)` reads them. */
export function readLine(line: Uint8Array): TokenLine | SignedLine | MalformedLine {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const [version, afterVersion] = word(bytes, 0);
  const [credential, afterCredential] = word(bytes, afterVersion);
  if (version !== 'LL1' && version !== 'LS1') return malformed('a line begins with LL1 or LS1');
  if (!credentialPattern.test(credential)) {
    return malformed(version === 'LL1' ? 'after LL1 comes a token' : 'after LS1 comes the id of a key');
  }
  return version === 'LL1'
    ? tokenLine(bytes, credential, afterCredential)
    : signedLine(bytes, credential, afterCredential);
}

function tokenLine(bytes: Buffer, token: string, at: number): TokenLine | MalformedLine {
  const [first, afterFirst] = word(bytes, at);
  const id = first.startsWith('#') ? first.slice(1) : undefined;
  if (id !== undefined && !idPattern.test(id)) {
    return malformed('after # come 1 to 32 letters, digits and - _ .');
  }
  const readings = bytes.subarray(id === undefined ? at : afterFirst);
  if (readings.length === 0) return malformed('no readings');
  // A token given twice would be kept with the readings, where these are refused.
  if (readings.includes(token)) return malformed('the token is given a second time');
  return { kind: 'token', token: new Secret(token), id, readings };
}

function signedLine(bytes: Buffer, key: string, at: number): SignedLine | MalformedLine {
  const [digits, afterCounter] = word(bytes, at);
  const counter = Number(digits);
  if (!counterPattern.test(digits) || !Number.isSafeInteger(counter)) {
    return malformed('after the key comes a counter: a whole number below 2^53');
  }
  const end = bytes.lastIndexOf(space);
  if (end < afterCounter) return malformed('after the counter come readings, and a MAC at the end');
  const mac = bytes.toString('latin1', end + 1);
  if (mac.length !== macLength) return malformed(`a MAC has ${macLength} characters, after a space`);
  const readings = bytes.subarray(afterCounter, end);
  return { kind: 'signed', key, counter, mac, signed: bytes.subarray(0, end), readings };
}

/** The word that begins at `at`, and where what follows it begins. A space is behind each; none is in it. */
function word(bytes: Buffer, at: number): [word: string, next: number] {
  const end = bytes.indexOf(space, at);
  if (end < 0) return [bytes.toString('latin1', at), bytes.length];
  return [bytes.toString('latin1', at, end), end + 1];
}

function malformed(reason: string): MalformedLine {
  return { kind: 'malformed', reason };
}

/** Whether the line was signed with this secret, compared in constant time. */
export function isSigned({ signed, mac }: SignedLine, secret: SocketSecret): boolean {
  return isMac(secret, signed, mac);
}

/**
 * A line with a token, without its end. With an `id` (1 to 32 letters, digits and `- _ .`), the same line sent again counts
 * once; without one it does where each reading has its time. Throws TelemetryError for readings that cannot be said so, and
 * RangeError for an id that is none.
 */
export function writeTokenLine(token: string, readings: readonly LineReading[], id?: string): string {
  if (id !== undefined && !idPattern.test(id)) throw new RangeError('an id has 1 to 32 of A-Z a-z 0-9 - _ .');
  return `LL1 ${token}${id === undefined ? '' : ` #${id}`} ${writeReadingsLine(readings)}`;
}

/** What signs: a socket key's id, and its secret as it was shown, in base64url. */
export interface SigningKey {
  readonly id: string;
  readonly secret: SocketSecret;
}

/** The 32 bytes of a socket key's secret as it was shown, in base64url. */
export function socketSecret(shown: string): Uint8Array {
  return Buffer.from(shown, 'base64url');
}

/**
 * A signed line, without its end. `counter`: a whole number that no other readings are ever sent under; an unsent one may
 * be left out. Throws TelemetryError, and RangeError for a counter that is none.
 */
export function writeSignedLine(
  { id, secret }: SigningKey,
  counter: number,
  readings: readonly LineReading[],
): string {
  if (!Number.isSafeInteger(counter) || counter < 0) {
    throw new RangeError(`${counter} is no counter: a whole number below 2^53`);
  }
  const signed = `LS1 ${id} ${counter} ${writeReadingsLine(readings)}`;
  return `${signed} ${macOf(secret, signed)}`;
}
