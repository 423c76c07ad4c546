import type { Code } from '../contract/index.ts';

/** What can be wrong with an identity, beside what the contract already names. */
const identityCodes = {
  'key-malformed': 'not an RSA key this project can use',
  'certificate-malformed': 'not an X.509 certificate, or not one with exactly one common name',
  'certs-only-malformed': 'not a base64 PKCS#7 message that holds certificates only',
  'voucher-refused': 'not a voucher, or not one that the trusted authority signed for now',
  'issuance-invalid': 'the certificate that was asked for must not or cannot be issued',
  'enrolment-unavailable': 'the enrolment service cannot be reached or cannot answer now; try again later',
  'enrolment-untrusted': 'what answers does not hold a certificate of the trusted authority for its name',
  'enrolment-malformed':
    'what answers does not speak EST, or answered with something else than our certificate',
} as const;

/** `request-malformed` and `enrolment-refused` are the contract's: the cloud gives them to the gateway. */
export type IdentityCode =
  | Extract<Code, 'request-malformed' | 'enrolment-refused'>
  | keyof typeof identityCodes;

/** The one error of this folder. `code` is stable; the message says what was wrong and what to do. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityCode;

  constructor(code: IdentityCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error that came of another. */
export function identityError(code: IdentityCode, message: string, cause: unknown): IdentityError {
  return new IdentityError(code, message, { cause });
}

/** What an unknown thrown thing says. */
export function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
