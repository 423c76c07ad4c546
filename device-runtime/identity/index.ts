export type { Refusals } from './due.ts';
export { Est } from './est.ts';
export type { Identity } from './identity.ts';
export { IdentityFiles, identityFiles } from './identity-files.ts';
export { IdentityMissing, loadIdentity } from './load.ts';
export { Renewal } from './renewal.ts';
export { certificateDaysLeft } from './term.ts';
export { Trust, trustedPem } from './trust.ts';
