export { type ApplicationKey, isApplicationSecret, makeApplicationKey } from './application-secret.ts';
export {
  longestTokenMilliseconds,
  mintToken,
  readToken,
  type TokenClaims,
  type TokenFault,
  type TokenReading,
  type TokenRealm,
} from './token.ts';
