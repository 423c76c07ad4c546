import * as z from 'zod';
import { gatewayIdPattern } from '../contract/index.ts';
import { serialNumber } from '../provisioning/index.ts';

/** A name safe in a path, a topic level, a certificate's common name and a file name. */
const slug = (what: string) =>
  z.string().regex(gatewayIdPattern, `not ${what}: 1 to 64 of a-z, 0-9 and inner hyphens`);
const uuid = (what: string) => z.uuid(`not ${what}: take it from the list it is in`);

/** Every parameter that may stand in a path. */
export const pathParameters = {
  organisation: slug('an organisation id'),
  device: slug('a device id'),
  role: slug('the name of a role'),
  user: uuid('the id of a person'),
  department: uuid('the id of a department'),
  customer: uuid('the id of a customer'),
  grant: uuid('the id of a grant'),
  session: uuid('the id of a session'),
  token: uuid('the id of a token'),
  application: uuid('the id of an application'),
  key: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'not the id of an application key'),
  credential: z
    .string()
    .regex(/^[a-z]{3,4}_[A-Za-z0-9_-]{24}$/, 'not the id of a credential: take it from the list it is in'),
  certificate: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'not the id of a certificate: its SHA-256 fingerprint, 64 hex digits'),
  unit: serialNumber,
  rollout: uuid('the id of a rollout'),
  file: z.string().regex(/^[0-9a-f]{64}$/, 'not the name of a file: its SHA-256, 64 hex digits'),
  block: z.string().regex(/^[a-z]{4,10}\.[A-Za-z0-9_-]{4,200}$/, 'not the id of a block'),
  command: uuid('the id of a command'),
  alarm: uuid('the id of an alarm'),
  rejection: z
    .string()
    .regex(/^[0-9]{1,15}$/, 'not the id of a rejected delivery: take it from the list it is in'),
  epoch: z.string().regex(/^[0-9a-f]{32}$/, 'not an epoch: 32 hex digits'),
  /**
   * A series by its name (`seriesName` of sdk/telemetry): `25DF` as heard, `25DF.mean` another aspect; or by what its device
   * calls it. A name of the form of a tag is asked for by its number.
   */
  series: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}$/,
      'not a series: a tag of four hex digits in upper case, and its aspect, as in 25DF or 25DF.mean, or the name that its device gives it',
    ),
} as const;

export type ParameterName = keyof typeof pathParameters;

/** Names of the parameters in a path, in their order. */
export function parametersOf(path: string): ParameterName[] {
  return [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => name as ParameterName);
}
