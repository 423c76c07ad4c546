import * as z from 'zod';
import { serialNumber } from './messages.ts';

const fingerprint = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * What a technician did, as the cloud keeps it: JSON text, signed by the gateway's key byte for byte as it was written
 * (nothing that was signed is ever encoded again).
 */
export const provisioningRecord = z.strictObject({
  version: z.literal(1),
  gatewayId: z.string(),
  organisation: z.string(),
  serialNumber,
  /** `provisioned`: a reading was acknowledged. `staged`: it enrols by itself. */
  result: z.enum(['provisioned', 'staged']),
  /** By the tool's clock, ISO 8601 in UTC. */
  at: z.iso.datetime(),
  /** As the technician says it: a site's name, coordinates. */
  where: z.string().max(200),
  /** Who it was, as the tool knows it: a login's mail address or a token's name. The cloud notes beside it whom it saw. */
  technician: z.string().max(200),
  tool: z.string().max(100),
  model: z.string().max(200),
  runtime: z.string().max(100),
  /** Of the gateway's certificate; null where it is staged. */
  certificate: fingerprint.nullable(),
  /** SHA-256 of the gateway's public key, SPKI in DER. */
  publicKey: fingerprint,
  /** Of the roots it trusts. */
  authority: z.array(fingerprint).min(1),
  ownershipCounter: z.number().int().positive(),
  /** SHA-256 of the voucher's CMS. */
  voucher: fingerprint,
  /** SHA-256 of the site as it was written. */
  site: fingerprint,
  reading: z.strictObject({ epoch: z.string(), number: z.number().int(), tag: z.string() }).nullable(),
});

export type ProvisioningRecord = z.output<typeof provisioningRecord>;

/** Each kind of signature begins with its own words, so that one can never be shown for another. */
const purposes = { key: 'loadline provisioning key v1\n', record: 'loadline provisioning record v1\n' };

/** The bytes that a gateway signs to prove, now and to this tool, that it has the key of its request. */
export function keyProof(of: {
  readonly challenge: string;
  readonly nonce: string;
  readonly serialNumber: string;
  readonly gatewayId: string;
  readonly request: string;
}): Uint8Array {
  const { challenge, nonce, serialNumber: serial, gatewayId, request } = of;
  return new TextEncoder().encode(
    purposes.key + JSON.stringify([challenge, nonce, serial, gatewayId, request]),
  );
}

/** The bytes that a gateway signs for a record. */
export function recordToSign(record: string): Uint8Array {
  return new TextEncoder().encode(purposes.record + record);
}
