import { randomBytes } from 'node:crypto';
import {
  certificateDetails,
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';

const day = 24 * 3_600_000;

/** For tests: what `loadline ca` does on a machine of its own, in memory. Lives of `days`. */
export interface OfflineRoot extends Issuer {
  readonly fingerprint: string;
  /** The issuing certificate for a request. */
  sign(requestPem: string, days?: number): string;
  /** The key of another root, certified by this one. */
  crossSign(other: Issuer): string;
}

/** For tests: a root, made at `now` (ms since 1970). */
export async function offlineRoot(commonName: string, now = Date.now(), days = 7300): Promise<OfflineRoot> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const terms = (life: number) => ({
    ...{ notBefore: now - day, notAfter: now + Math.min(life, days) * day, serial: randomBytes(16) },
  });
  const certificatePem = createAuthority({ commonName, signer, ...terms(days) });
  const issuer = { certificatePem, signer };
  return {
    ...issuer,
    fingerprint: certificateDetails(certificatePem).fingerprint,
    sign: (requestPem, life = 1095) =>
      issueCertificate({
        ...{ ...terms(life), profile: 'authority', pathLength: 0 },
        ...{ issuer, subject: readSigningRequest(requestPem) },
      }),
    crossSign(other) {
      const { commonName: name, publicKeyPem } = certificateDetails(other.certificatePem);
      const subject = { commonName: name, publicKeyPem };
      return issueCertificate({ ...terms(days), profile: 'authority', issuer, subject });
    },
  };
}
