export { type Identity, IdentityMissing, loadIdentity } from './identity.ts';
export { certificateDaysLeft } from './term.ts';
