export {
  type Authority,
  type ChainedIssuer,
  checkGatewayRequest,
  openAuthority,
  type Standing,
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
export type { Issuance } from './issuing.ts';
export { authorityFolder, hasSealed } from './kept.ts';
export type { ServerIdentity } from './server-identity.ts';
