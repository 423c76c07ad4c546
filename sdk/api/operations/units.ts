import * as z from 'zod';
import { identityLimits } from '../../identity/limits.ts';
import { serialNumber } from '../../provisioning/index.ts';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';

const organisation = '/organisations/:organisation';
const units = `${organisation}/units` as const;
const provisionings = `${organisation}/devices/:device/provisionings` as const;

/** A board that a gateway runs on, and whose it is. */
const unitReply = z.object({
  id: z.string().describe('the serial number it was built with'),
  counter: z.number().describe('the ownership counter of the last voucher for it'),
  device: z.string().nullable().describe('the gateway that it is; null before it was provisioned'),
  claimed: z.string().describe('since when it is the organisation’s'),
});

const voucherReply = z.object({
  voucher: z.string().describe('CMS SignedData in DER (RFC 8366), base64'),
  counter: z.number(),
  expires: z.string().nullable().describe('null of one with a nonce: it is good for one session'),
});

/** A record as it was signed, and what the cloud saw besides. */
const provisioningReply = z.object({
  id: z.string(),
  at: z.string(),
  serialNumber: z.string(),
  by: z.object({ kind: z.string(), id: z.string() }).describe('who brought it, as the cloud knows it'),
  record: z.string().describe('JSON text, byte for byte as it was signed'),
  signature: z.string().describe('of the gateway’s key, base64'),
  certificate: z.string().describe('fingerprint of the certificate that it was checked with'),
});

/** Boards that gateways run on, and how they come to their owners. */
export const unitOperations = {
  createVoucher: {
    method: 'POST',
    path: `${organisation}/vouchers`,
    opens: 'vouchers.create',
    summary: 'Make a voucher (RFC 8366), by which a gateway takes the organisation for its owner',
    description:
      'The first organisation that asks for one owns the board from then on, until it releases it (releaseUnit). With the nonce that ' +
      'the gateway gave, the voucher is good for that one session; without, for thirty days at most. `counter` is what the gateway ' +
      'says its ownership counter is, 0 where that is not known.',
    body: z.strictObject({
      serialNumber,
      nonce: z
        .string()
        .regex(/^(?:[0-9a-f]{2}){8,32}$/, 'must be 8 to 32 bytes in hex digits, as the gateway gave it')
        .optional(),
      counter: z.number().int().min(0).max(identityLimits.ownershipCounter).default(0),
    }),
    status: 201,
    reply: voucherReply,
    refuses: ['conflict'],
  },
  listUnits: {
    method: 'GET',
    path: units,
    opens: 'units.get',
    summary: 'List the boards that are the organisation’s, by their serial numbers',
    query: pageQuery,
    status: 200,
    reply: page(unitReply),
  },
  releaseUnit: {
    method: 'DELETE',
    path: `${units}/:unit`,
    opens: 'unit.release',
    summary: 'Release a board, so that another organisation can own it; its gateway is retired for good',
    description:
      'The certificates, keys and secrets of the gateway end, and so do its links, within two seconds. Its readings stay with this ' +
      'organisation, and nobody else ever has its id.',
    status: 204,
  },
  addProvisioning: {
    method: 'POST',
    path: provisionings,
    opens: 'provisionings.create',
    summary: 'Keep the record of a provisioning that the gateway has signed',
    body: z.strictObject({
      record: z
        .string()
        .min(2)
        .max(16 * 1024)
        .describe('JSON text, as the gateway signed it'),
      signature: z.base64().min(4).max(2048),
    }),
    status: 201,
    reply: z.object({ id: z.string() }),
    refuses: ['conflict'],
  },
  listProvisionings: {
    method: 'GET',
    path: provisionings,
    opens: 'provisionings.get',
    summary: 'List how a gateway was provisioned: who, where, when, with what; the newest first',
    query: pageQuery,
    status: 200,
    reply: page(provisioningReply),
  },
  releaseFleetUnit: {
    method: 'DELETE',
    path: '/fleet/units/:unit',
    opens: 'fleet-unit.release',
    summary: 'Release a board for the organisation that owns it; its gateway is retired for good',
    status: 204,
  },
} as const satisfies Record<string, Operation>;
