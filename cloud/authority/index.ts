export {
  type Authority,
  checkGatewayRequest,
  type Issuance,
  openAuthority,
} from './authority.ts';
export { AuthorityError } from './errors.ts';
export {
  caCertsResponse,
  type EstResponse,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  simpleEnrollBodyBytes,
  simpleEnrollResponse,
} from './est.ts';
export type { ServerIdentity } from './server-identity.ts';
