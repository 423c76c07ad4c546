export {
  type Authority,
  checkGatewayRequest,
  openAuthority,
  type Standing,
} from './authority.ts';
export {
  type Ceremony,
  crossSign,
  distrustIssuer,
  forgetRootKey,
  heldBy,
  install,
  makeRequest,
  replaceIssuer,
  retireRoot,
  withdrawRequest,
} from './ceremonies.ts';
export { AuthorityError } from './errors.ts';
export {
  caCertsResponse,
  csrAttributesResponse,
  type EnrolmentCredentials,
  type EstResponse,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  simpleEnrollBodyBytes,
  simpleEnrollResponse,
} from './est.ts';
export { resealFolder } from './folder.ts';
export type { Installation } from './installation.ts';
export type { Issuance } from './issuing.ts';
export { authorityFolder, hasSealed } from './kept.ts';
export { overviewInWords, overviewOf, warnDays } from './overview.ts';
export type { ServerIdentity } from './server-identity.ts';
