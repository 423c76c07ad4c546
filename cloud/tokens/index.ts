export { ApiTokens } from './api-tokens.ts';
export { ApplicationKeys } from './application-keys.ts';
export { type ApplicationKey, isApplicationSecret, makeApplicationKey } from './application-secret.ts';
export { Applications } from './applications.ts';
export { type Held, KeyHolders } from './key-holders.ts';
export type { Maker } from './maker.ts';
export {
  longestTokenMilliseconds,
  mintToken,
  readToken,
  type TokenClaims,
  type TokenFault,
  type TokenReading,
  type TokenRealm,
} from './token.ts';
export { TokenBearers } from './token-bearers.ts';
export { Uses } from './uses.ts';
