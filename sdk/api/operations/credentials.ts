import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { label, patchBody, status } from './tokens.ts';

const credentials = '/organisations/:organisation/devices/:device/credentials';
const credential = `${credentials}/:credential` as const;

const credentialReply = z.object({
  id: z.string(),
  kind: z.enum(['token', 'key', 'socket-token', 'socket-key']),
  name: z.string(),
  status,
  /** The one that ends when this one is first used. */
  replaces: z.string().nullable(),
  created: z.string(),
  expires: z.string().nullable(),
  used: z.string().nullable(),
});

/** What a device proves itself by, beside a certificate. */
export const credentialOperations = {
  listDeviceCredentials: {
    method: 'GET',
    path: credentials,
    opens: 'device-credentials.get',
    summary: 'List the tokens and keys of a device, without their secrets',
    query: pageQuery,
    status: 200,
    reply: page(credentialReply),
  },
  createDeviceCredential: {
    method: 'POST',
    path: credentials,
    opens: 'device-credentials.create',
    summary: 'Make a token or a key of a device; its secret is shown this once',
    description:
      'It delivers for this device and does nothing else. `token`: the header X-Auth-Token over HTTPS. `key`: MQTT user name (its id) ' +
      'and password. `socket-token` and `socket-key`: a line over a socket, with the token in it or signed. Where the device has one ' +
      'of the kind, that one ends when the new one is first used; two at a time and no more.',
    body: z.strictObject({
      kind: credentialReply.shape.kind,
      name: label,
      days: z
        .number()
        .int()
        .min(1)
        .max(3650)
        .nullable()
        .default(null)
        .describe('days until it expires; for ever where there are none'),
    }),
    status: 201,
    reply: credentialReply.extend({ secret: z.string() }),
    refuses: ['conflict'],
  },
  getDeviceCredential: {
    method: 'GET',
    path: credential,
    opens: 'device-credential.get',
    summary: 'Read a token or key of a device, without its secret',
    status: 200,
    reply: credentialReply,
  },
  patchDeviceCredential: {
    method: 'PATCH',
    path: credential,
    opens: 'device-credential.patch',
    summary: 'Activate, deactivate or rename a token or key of a device',
    body: patchBody,
    status: 200,
    reply: credentialReply,
    refuses: ['conflict'],
  },
  deleteDeviceCredential: {
    method: 'DELETE',
    path: credential,
    opens: 'device-credential.delete',
    summary: 'Revoke a token or key of a device for good; its links end',
    status: 204,
  },
} as const satisfies Record<string, Operation>;
