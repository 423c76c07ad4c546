export { CertificateDesk } from './certificate-desk.ts';
export { CertificateUses } from './certificate-uses.ts';
export { CredentialBook } from './credential-book.ts';
export { CredentialDesk } from './credential-desk.ts';
export {
  CredentialHolders,
  type HeldCredential,
} from './credential-holders.ts';
export {
  type CertificateRefusal,
  endedSince,
  gatewayOf,
  nameOf,
  type ProvenGateway,
  principalOf,
  remedies,
  stillFault,
} from './gateway-of.ts';
export { Renewals } from './renewals.ts';
export { gatewayShown, type NotProven } from './shown-certificate.ts';
