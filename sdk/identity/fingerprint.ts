/** How fingerprints (SHA-256, 64 hex digits) are shown to people and taken from them: to be compared by eye. */

/** In groups of four digits, eight to a line: `3f2a 91c0 …`. */
export function fingerprintInGroups(fingerprint: string): string {
  const groups = fingerprint.match(/.{1,4}/g) ?? [];
  return `${groups.slice(0, 8).join(' ')}  ${groups.slice(8).join(' ')}`;
}

/**
 * The fingerprint that a person has typed or pasted, in groups, with colons as OpenSSL writes it, or as it is; undefined
 * where it has not 64 digits. A part of one is none: two that begin alike can be made.
 */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replace(/[\s:]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}
