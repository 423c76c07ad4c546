export { CredentialBook } from './credential-book.ts';
export { CredentialDesk } from './credential-desk.ts';
export {
  CredentialHolders,
  type HeldCredential,
  type Place,
  type Proof,
  type ShownCredential,
} from './credential-holders.ts';
