import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { Bounded } from './bounded.ts';
import { passwordLimits, prepared } from './password-text.ts';

/** Argon2id (the library's default) at the cost OWASP recommends: 19 MiB, 2 passes, 1 lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Computations at once, and those that may wait: some 30 ms of a core each, on the threads that files are read and
 * names are looked up with too. Of those there are four.
 */
const computations = new Bounded({ atOnce: 2, mayWait: 100 });

/**
 * The hash of a password, to be kept.
 * @throws TooManyWaiting where too many passwords are being computed already
 */
export function hashPassword(password: string): Promise<string> {
  return computations.run(() => hash(prepared(password), cost));
}

const unpadded = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');

/** A hash of no password, at the same cost: random where the salt and the digest would be. */
const decoy = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${unpadded(16)}$${unpadded(32)}`;

/**
 * Whether `password` is the one behind `passwordHash`. Without a hash (an unknown user, or one without a password),
 * and for a password that is longer than any may be, it takes as long, and is false.
 * @throws TooManyWaiting where too many passwords are being computed already
 */
export function isPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  return computations.run(async () => {
    const text = prepared(password);
    const matches = await verify(passwordHash ?? decoy, text);
    return matches && passwordHash !== undefined && [...text].length <= passwordLimits.longest;
  });
}

/** 32 characters of the base64url alphabet: 192 bits. */
export function generatePassword(): string {
  return randomBytes(24).toString('base64url');
}
