/** Bytes of a generated password: 192 bits, which are 32 characters. */
const BYTES = 24;

/** A password nobody can guess: 32 characters of the base64url alphabet. `fill` fills an array with random bytes. */
export function generatePassword(
  fill: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => void crypto.getRandomValues(bytes),
): string {
  const bytes = new Uint8Array(BYTES);
  fill(bytes);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
