/** What can be wrong with the authority's folder, or with what is to be done on it. */
const authorityCodes = {
  'authority-incomplete': 'a certificate is there and its private key is not, or they do not belong together',
  'authority-unreadable': 'a file of the authority is not what it should be',
  'authority-key-exposed': 'other users of this machine may read the private key of the authority',
  'authority-busy': 'another process has been at work on the folder for too long',
  'authority-waiting': 'a request of this cloud waits for its certificate, and there is none to issue with',
  'authority-expired': 'the certificate that is to issue others has ended',
  'authority-offline': 'the root is not in this folder, and only it can do that',
  'installation-refused': 'what is to be installed does not fit what there is',
} as const;

export type AuthorityCode = keyof typeof authorityCodes;

/** The error of this folder for its own files; a refused request is the SDK's IdentityError `request-malformed`. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code: AuthorityCode;

  constructor(code: AuthorityCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
