import { pbkdf2Sync } from 'node:crypto';

/** IEEE 802.11i, H.4.1: PBKDF2 with HMAC-SHA1, the SSID as salt, 4096 rounds, 256 bits. */
const rounds = 4096;
const bytes = 32;

/**
 * The key that a passphrase of WPA2 comes to, 64 hex digits. What is one already stays it: a passphrase has 63 characters at
 * most.
 */
export function preSharedKey(passphrase: string, ssid: string): string {
  if (/^[0-9a-f]{64}$/.test(passphrase)) return passphrase;
  return pbkdf2Sync(passphrase, ssid, rounds, bytes, 'sha1').toString('hex');
}
