import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { CertificateDesk } from '../../../devices/index.ts';
import type { IssuedCertificateRow } from '../../../store/index.ts';
import type { TechnicianCertificates } from '../../../units/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { doneOf, isoTime, partyOf, personOf } from './editing.ts';

type CertificateReply = ReplyOf<Operations['listCertificates']>['items'][number];

/** The certificates of gateways: list, issue on site, revoke, readmit. */
export function certificateHandlers(parts: {
  certificates: CertificateDesk;
  technicianCertificates: TechnicianCertificates;
  /** The roots that are trusted now, PEM. */
  rootsPem: () => string;
}): Pick<Handlers, 'listCertificates' | 'issueCertificate' | 'revokeCertificate' | 'readmitCertificate'> {
  const { certificates, technicianCertificates, rootsPem } = parts;
  return {
    async listCertificates({ input: { query }, device }) {
      const all = await certificates.list(device);
      return pageOf(all.map(describe), query, ({ issued, id }) => `${issued ?? ''} ${id}`);
    },

    async issueCertificate({ input, caller, device, visit, entry }) {
      const technician = { entry, party: partyOf(caller), person: personOf(caller), source: visit.source };
      const issued = await technicianCertificates.issue(technician, device, input.body.request);
      if (issued.kind === 'malformed') throw new Problem(400, 'request-malformed', issued.detail);
      const { chainPem: chain, fingerprint, notAfter } = doneOf(issued);
      return { chain, authority: rootsPem(), fingerprint, expires: isoTime(notAfter) };
    },

    async revokeCertificate(call) {
      return doneOf(await certificates.revoke(call, call.device, call.input.certificate));
    },

    async readmitCertificate(call) {
      return describe(doneOf(await certificates.readmit(call, call.device, call.input.certificate)));
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
