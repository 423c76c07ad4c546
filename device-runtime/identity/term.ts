import { X509Certificate } from 'node:crypto';
import type { Time } from '../clock/index.ts';

const day = 86_400_000;

/**
 * Whole days until a certificate ends, negative past its end; null where there is none that can be read. Of a chain in
 * PEM the first counts. Where nobody vouches for the time, it is that many days at the most.
 */
export function certificateDaysLeft(chainPem: string | undefined, { wall }: Time): number | null {
  if (chainPem === undefined) return null;
  try {
    return Math.floor((new X509Certificate(chainPem).validToDate.getTime() - wall) / day);
  } catch {
    return null;
  }
}
