import * as z from 'zod';
import { serialNumber } from './messages.ts';

/**
 * What `loadline provision prepare` carries to a place without a network: for each board a voucher without a nonce and a
 * one-time enrolment secret. No key that could issue anything, and no private key. The file is a secret all the same:
 * who has it can enrol as these gateways, until it expires.
 */
export const provisioningKit = z.strictObject({
  version: z.literal(1),
  organisation: z.string(),
  /** The roots that gateways are to trust, PEM. */
  authority: z.string(),
  enrolmentUrl: z.url({ protocol: /^https$/ }),
  uplink: z.strictObject({ host: z.string(), port: z.number().int() }),
  prepared: z.iso.datetime(),
  expires: z.iso.datetime(),
  boards: z
    .array(
      z.strictObject({
        serialNumber,
        gatewayId: z.string(),
        name: z.string(),
        /** CMS, base64. */
        voucher: z.string(),
        enrolmentSecret: z.string(),
      }),
    )
    .min(1)
    .max(1000),
});

export type ProvisioningKit = z.output<typeof provisioningKit>;
