export { caCertificates } from './ca-certificates.ts';
export {
  type CertificateOrder,
  createAuthority,
  type Issuer,
  issueCertificate,
  type Profile,
} from './certificate.ts';
export { decodeCertsOnly, encodeCertsOnly } from './certs-only.ts';
export { encodeCsrAttributes } from './csr-attributes.ts';
export { type CertificateDetails, certificateDetails, keyFingerprint } from './details.ts';
export { type Enrolment, type EnrolOptions, enrol, type ReenrolOptions, reenrol } from './enrol.ts';
export { type IdentityCode, IdentityError } from './errors.ts';
export type { EstServer } from './est.ts';
export { fingerprintInGroups, parseFingerprint } from './fingerprint.ts';
export { generateKeyPair, type KeyPair, type Signer, softwareSigner } from './keys.ts';
export { identityLimits } from './limits.ts';
export { createSigningRequest, readSigningRequest, type Subject } from './request.ts';
export { type Assertion, createVoucher, readVoucher, type Voucher } from './voucher.ts';
