export { type Identity, IdentityMissing, loadIdentity } from './identity.ts';
