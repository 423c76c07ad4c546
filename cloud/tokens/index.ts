export { ApiTokens } from './api-tokens.ts';
export { ApplicationKeys } from './application-keys.ts';
export { Applications } from './applications.ts';
export { type Held, KeyHolders } from './key-holders.ts';
export { lastsUntil, type Maker } from './maker.ts';
export { Sightings } from './sightings.ts';
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
