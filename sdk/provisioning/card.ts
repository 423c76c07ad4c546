import * as z from 'zod';
import { siteBytes } from './site.ts';

/**
 * What `loadline flash --config` puts into the boot partition of a card: what `own` and `write` say over a serial line, for one
 * board of a kit. The board takes it at its first start, by the same checks, once. It enrols by itself, with a key that it
 * makes: no private key is in here. The enrolment secret is: who has the card until then can enrol in the board's place, once.
 */
export const cardSite = z.strictObject({
  version: z.literal(1),
  /** CMS, base64; without a nonce. */
  voucher: z.string().max(32 * 1024),
  /** A `Site` as JSON text, without a chain; of a Wi-Fi passphrase the pre-shared key. */
  site: z.string().max(siteBytes),
});

export type CardSite = z.output<typeof cardSite>;

/** Where it lies in the boot partition. */
export const cardPath = 'loadline/site.json';

/** Bytes that it has at most. */
export const cardBytes = 512 * 1024;
