export { CredentialBook } from './credential-book.ts';
export { CredentialDesk } from './credential-desk.ts';
export {
  CredentialHolders,
  type HeldCredential,
} from './credential-holders.ts';
