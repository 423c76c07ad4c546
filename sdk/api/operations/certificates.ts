import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';

const certificates = '/organisations/:organisation/devices/:device/certificates';
const certificate = `${certificates}/:certificate` as const;

const certificateReply = z.object({
  id: z.string().describe('SHA-256 fingerprint: 64 hex digits'),
  serial: z.string(),
  issuer: z.string().nullable().describe('fingerprint of the certificate that signed it'),
  issued: z.string().nullable().describe('null of one from before this was kept'),
  issuedFor: z
    .enum(['secret', 'certificate', 'technician', 'cloud'])
    .nullable()
    .describe('what it was given for: a one-time secret, the certificate before it, or a technician'),
  expires: z.string(),
  used: z.string().nullable().describe('when it first proved the gateway; the ones before it ended then'),
  ended: z.string().nullable().describe('since when it opens nothing, though its time was not over'),
  reason: z
    .enum(['revoked', 'superseded', 'retired', 'moved', 'restored'])
    .nullable()
    .describe(
      'why it ended; `restored`: the cloud came back from a backup, and it is held back until somebody readmits it',
    ),
});

/** Certificates of gateways. */
export const certificateOperations = {
  listCertificates: {
    method: 'GET',
    path: certificates,
    opens: 'certificates.get',
    summary: 'List the certificates a gateway was given, in the order they were issued',
    query: pageQuery,
    status: 200,
    reply: page(certificateReply),
  },
  issueCertificate: {
    method: 'POST',
    path: certificates,
    opens: 'certificates.create',
    summary: 'Have a certificate issued for a gateway, as who provisions it on site',
    description:
      'The request is one that the gateway has made with its own key, for its own id. A one-time enrolment secret of the gateway ends by ' +
      'it; a certificate that it has stays until the new one is first used.',
    body: z.strictObject({
      request: z
        .string()
        .min(1)
        .max(16 * 1024)
        .describe('PKCS#10, PEM'),
    }),
    status: 201,
    reply: z.object({
      chain: z.string().describe('the certificate and those between it and the roots, PEM'),
      authority: z.string().describe('the roots to trust, PEM'),
      fingerprint: z.string().describe('SHA-256: 64 hex digits'),
      expires: z.string(),
    }),
    refuses: ['request-malformed', 'conflict'],
  },
  revokeCertificate: {
    method: 'DELETE',
    path: certificate,
    opens: 'certificate.revoke',
    summary: 'Revoke a certificate of a gateway for good; what is open by it ends within two seconds',
    description:
      'What the gateway was given for it and has not used yet ends with it, and so does a one-time secret that was spent. ' +
      'The gateway stays, and so does its data: it comes back with another certificate, for which it needs a new one-time secret ' +
      '(enrolDevice) where this was its only one. A certificate that has ended already stays as it is.',
    status: 204,
  },
  readmitCertificate: {
    method: 'POST',
    path: `${certificate}/readmission`,
    opens: 'certificate.readmit',
    summary: 'Have a certificate of a gateway open again that is held back since the cloud was restored',
    description:
      'After a restore every certificate is held back (reason `restored`), since it may have been revoked or superseded after the ' +
      'backup, and the cloud cannot know. Whoever readmits one says that it was not. Its device must be switched on, and it must ' +
      'not have expired. Otherwise the gateway enrols anew (enrolDevice), and is better off so where there is any doubt.',
    status: 200,
    reply: certificateReply,
    refuses: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
