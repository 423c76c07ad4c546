export { type Identity, IdentityMissing, type IdentityOptions, loadIdentity } from './identity.ts';
export { certificateDaysLeft } from './term.ts';
