export {
  type Authority,
  type AuthorityOptions,
  type Issuance,
  openAuthority,
} from './authority.ts';
export { type AuthorityCode, AuthorityError } from './errors.ts';
export {
  caCertsResponse,
  type EnrolmentCredentials,
  type EstResponse,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  simpleEnrollBodyBytes,
  simpleEnrollResponse,
} from './est.ts';
export type { ServerIdentity } from './server-identity.ts';
