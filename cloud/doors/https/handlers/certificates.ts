import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { CertificateDesk } from '../../../devices/index.ts';
import type { IssuedCertificateRow } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { doneOf, isoTime } from './editing.ts';

type CertificateReply = ReplyOf<Operations['listCertificates']>['items'][number];

/** The certificates of gateways: list, revoke. */
export function certificateHandlers({
  certificates,
}: {
  certificates: CertificateDesk;
}): Pick<Handlers, 'listCertificates' | 'revokeCertificate'> {
  return {
    async listCertificates({ input: { query }, device }) {
      const all = await certificates.list(device);
      return pageOf(all.map(describe), query, ({ issued, id }) => `${issued ?? ''} ${id}`);
    },

    async revokeCertificate(call) {
      return doneOf(await certificates.revoke(call, call.device, call.input.certificate));
    },
  };
}

function describe(row: IssuedCertificateRow): CertificateReply {
  const { fingerprint: id, serial, issuer, issued, issuedFor, expires, used, revoked } = row;
  return {
    ...{ id, serial, issuer, issuedFor },
    issued: timeOf(issued),
    expires: isoTime(expires),
    used: timeOf(used),
    ended: timeOf(revoked),
    // One that was revoked before reasons were kept.
    reason: row.reason ?? (revoked === null ? null : 'revoked'),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
