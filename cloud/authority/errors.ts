/** What can be wrong with the authority's folder. */
const authorityCodes = {
  'authority-incomplete':
    'the root certificate is there and its private key is not, or they do not belong together',
  'authority-unreadable': 'a file of the authority is not what it should be',
  'authority-key-exposed': 'other users of this machine may read the private key of the authority',
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
