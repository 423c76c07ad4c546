import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base32: no I, L, O or U, so that a code can be read off paper. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const codes = 10;
const characters = 25;
const groupCharacters = 5;

/**
 * Codes for who lost the second factor, to be shown once, and what is kept of them, in the same order. Each is 125
 * random bits in five groups, `7ZK3M-Q0VXA-…`: so many that a fast hash will do (SP 800-63B-4, section 3.1.2.2: 112).
 */
export function makeRecoveryCodes(): {
  readonly codes: readonly string[];
  readonly hashes: readonly Buffer[];
} {
  const made = Array.from({ length: codes }, makeText);
  return { codes: made.map(grouped), hashes: made.map(hashOf) };
}

/**
 * What is kept of a code that somebody typed, in any case, with or without its hyphens; undefined where it cannot be
 * one. A code is good once: the row with this hash is deleted, and only who deleted it is let in.
 */
export function recoveryCodeHash(typed: string): Buffer | undefined {
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const possible = text.length === characters && [...text].every((character) => alphabet.includes(character));
  return possible ? hashOf(text) : undefined;
}

function makeText(): string {
  // 256 is a multiple of 32: five bits of each byte are uniform.
  return Array.from(randomBytes(characters), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
}

function grouped(text: string): string {
  return (text.match(new RegExp(`.{${groupCharacters}}`, 'g')) ?? []).join('-');
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(`recovery-code\0${text}`).digest();
}
