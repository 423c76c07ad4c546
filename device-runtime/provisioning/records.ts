import { isGatewayId } from '@loadline/sdk/contract';
import * as z from 'zod';

/** What stands in the small files of a site's folder, and beside it; drawn in `store.ts`. */

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const id = z.string().refine(isGatewayId);
/** `site.json`. */
export const siteRecord = z.strictObject({
  version: z.literal(1),
  gatewayId: id,
  organisation: id,
  name: z.string(),
  ownershipCounter: z.number().int().positive(),
  /** SHA-256 of the CMS of the voucher it was taken by. */
  voucher: hash,
  /** SHA-256 of the site as it was written. */
  digest: hash,
  /** SHA-256 of the gateway's public key, SPKI in DER. */
  publicKey: hash,
  /** SHA-256 of each file, by its name in this folder. */
  files: z.record(z.string(), hash),
});

export type SiteRecord = z.output<typeof siteRecord>;

/** `staging.json`. */
export const stagingRecord = z.strictObject({ version: z.literal(1), gatewayId: id, organisation: id });

/** `ownership`. */
export const ownershipRecord = z.strictObject({
  version: z.literal(1),
  counter: z.number().int().nonnegative(),
  /** Who it was last. */
  gateway: z.strictObject({ id: z.string(), organisation: z.string() }).nullable(),
});

export type Ownership = z.output<typeof ownershipRecord>;
