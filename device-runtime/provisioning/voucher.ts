import { createHash, X509Certificate } from 'node:crypto';
import type { Voucher } from '@loadline/sdk/identity';
import type { JudgedAt } from '@loadline/sdk/trust';
import { Refused } from './refused.ts';

/** Attempts within `windowMilliseconds` after which the next have to wait: each costs a check of signatures. */
const attempts = 10;
const windowMilliseconds = 60_000;

/** Bounds how often it is tried to own this gateway. */
export class Attempts {
  readonly #monotonic: () => number;
  #at: number[] = [];

  /** @param monotonic milliseconds that never step */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** One more. @throws Refused where there were too many of late */
  count(): void {
    const now = this.#monotonic();
    this.#at = this.#at.filter((at) => now - at < windowMilliseconds);
    const [first] = this.#at;
    if (first !== undefined && this.#at.length >= attempts) {
      const wait = Math.ceil((first + windowMilliseconds - now) / 1000);
      throw new Refused('voucher-refused', `${attempts} vouchers were shown within a minute: wait ${wait} s`);
    }
    this.#at.push(now);
  }

  /** One was accepted: whoever has such a one is no guesser. */
  clear(): void {
    this.#at = [];
  }
}

export interface Judging {
  /** The authorities that this gateway was built to trust, PEM. */
  readonly makerPem: string;
  readonly serialNumber: string;
  /** Of this session. */
  readonly nonce: string;
  /** How often it was given to an owner before. */
  readonly ownershipCounter: number;
  readonly time: JudgedAt;
}

/**
 * The voucher, where this gateway takes an owner by it: signed under the authority it was built to trust, for its serial
 * number, for this session or none, with a counter above all that were before, and not expired as far as is known.
 *
 * @throws Refused that says which of these it is not
 */
export async function acceptVoucher(base64: string, judging: Judging): Promise<Voucher> {
  const { makerPem, serialNumber, nonce, ownershipCounter, time } = judging;
  // node-forge comes with it: a third of the bundle, and not needed on any other day.
  const { IdentityError, readVoucher } = await import('@loadline/sdk/identity');
  let voucher: Voucher;
  try {
    voucher = readVoucher(base64, { authorityPem: makerPem, time });
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    throw new Refused('voucher-refused', cause.message, { cause });
  }
  const refuse = (what: string): never => {
    throw new Refused('voucher-refused', `the voucher is refused: ${what}`);
  };
  if (voucher.serialNumber !== serialNumber) {
    refuse(`it is for the board ${voucher.serialNumber}, and this is ${serialNumber}`);
  }
  if (voucher.nonce !== undefined && voucher.nonce !== nonce) {
    refuse('it answers another session: describe the gateway again, and have a voucher made for that nonce');
  }
  if (voucher.ownershipCounter <= ownershipCounter) {
    refuse(
      `its ownership counter is ${voucher.ownershipCounter}, and the last one taken was ${ownershipCounter}: it was used already, or made before another; ask for a new one`,
    );
  }
  return voucher;
}

/** SHA-256 of a voucher's CMS, hex. */
export function voucherDigest(base64: string): string {
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
}

/** Certificates in PEM, one after the other. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** SHA-256 fingerprint, 64 lower-case hex digits. */
export function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}
