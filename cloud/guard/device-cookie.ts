import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';

/** Seconds a device stays known after its last successful login: the cookie's Max-Age. */
export const deviceCookieSeconds = 180 * 86_400;

const nonceLength = 16;
const timeLength = 4;
const signedLength = nonceLength + timeLength;
const macLength = 32;
/** Characters of one entry in base64url. */
const entryLength = Math.ceil(((signedLength + macLength) * 4) / 3);
/** People who share a browser; the longest unused falls out. */
const peoplePerDevice = 4;

/** A device that once logged in: its nonce names it, and `until` (ms since 1970) ends it. */
export interface Device {
  readonly nonce: string;
  readonly until: number;
}

/**
 * A value that proves a successful login on this device (OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies"), to be set as `__Host-` cookie. `holder` is whom it is good for; it is under the signature but not in
 * the value, so that the value tells nobody's name. Entries of others in `previous` are kept, this one's replaced.
 */
export function issueDeviceCookie(
  keys: readonly [KeyObject, ...KeyObject[]],
  holder: string,
  now: number,
  previous = '',
): string {
  const signed = Buffer.alloc(signedLength);
  randomBytes(nonceLength).copy(signed);
  signed.writeUInt32BE(Math.floor(now / 1000), nonceLength);
  const entry = Buffer.concat([signed, macOf(keys[0], holder, signed)]).toString('base64url');
  const others = entriesOf(previous).filter((other) => readEntry(keys, holder, other) === undefined);
  return [entry, ...others].slice(0, peoplePerDevice).join('.');
}

/** The device that a cookie's value proves to be one of `holder`; undefined where it proves none. */
export function readDeviceCookie(
  keys: readonly KeyObject[],
  holder: string,
  now: number,
  value: string,
): Device | undefined {
  return entriesOf(value)
    .map((entry) => readEntry(keys, holder, entry))
    .find((device) => device !== undefined && device.until > now);
}

function entriesOf(value: string): string[] {
  if (value.length > peoplePerDevice * (entryLength + 1)) return [];
  return value.split('.').filter((entry) => entry.length === entryLength);
}

function readEntry(keys: readonly KeyObject[], holder: string, entry: string): Device | undefined {
  const bytes = Buffer.from(entry, 'base64url');
  if (bytes.length !== signedLength + macLength) return undefined;
  const signed = bytes.subarray(0, signedLength);
  const mac = bytes.subarray(signedLength);
  if (!keys.some((key) => timingSafeEqual(macOf(key, holder, signed), mac))) return undefined;
  const issued = signed.readUInt32BE(nonceLength);
  return {
    nonce: signed.toString('base64url', 0, nonceLength),
    until: (issued + deviceCookieSeconds) * 1000,
  };
}

function macOf(key: KeyObject, holder: string, signed: Buffer): Buffer {
  return createHmac('sha256', key).update(`loadline device cookie\0${holder}\0`).update(signed).digest();
}
