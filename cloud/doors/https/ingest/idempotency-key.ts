import { limits } from '@loadline/sdk/contract';

/** A string of structured fields (RFC 9651, section 3.3.3), as the draft of the header wants it. */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])+)"$/;

/** What many clients send instead: the same without its quotes. */
const bare = /^[!#-&'*+.0-9:=A-Z^_`a-z|~/-]+$/;

/**
 * The key of an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): what stands between its quotes, or
 * the whole of it where it has none. Undefined where it is neither, or too long.
 */
export function parseIdempotencyKey(header: string): string | undefined {
  const key = bare.test(header) ? header : quoted.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  return key === undefined || key.length > limits.idempotencyKeyLength ? undefined : key;
}
