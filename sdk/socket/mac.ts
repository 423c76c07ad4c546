import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Bytes of HMAC-SHA-256 that travel: 96 bits (RFC 2104, section 5, asks for 80 at least). Four characters are three bytes. */
const macBytes = 12;

/** Characters of a MAC in a line. */
export const macLength = (macBytes / 3) * 4;

/** The secret of a socket key, or its 32 bytes. */
export type SocketSecret = KeyObject | Uint8Array;

/** HMAC-SHA-256 of `text`, its first 96 bits in base64url. */
export function macOf(secret: SocketSecret, text: Uint8Array | string): string {
  return createHmac('sha256', secret).update(text).digest().toString('base64url', 0, macBytes);
}

/** Whether it is the MAC of `text`, compared in constant time. No other spelling of it is. */
export function isMac(secret: SocketSecret, text: Uint8Array | string, mac: string): boolean {
  const expected = Buffer.from(macOf(secret, text), 'latin1');
  const given = Buffer.from(mac, 'latin1');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
