/**
 * Consistent Overhead Byte Stuffing (S. Cheshire and M. Baker, IEEE/ACM Transactions on Networking 7(2), 1999): bytes
 * without a zero among them, so that a zero can stand between frames and nowhere else.
 */

/** Bytes of one group at most: its code and 254 bytes that are no zeros. */
const longestGroup = 0xff;

/** Bytes that `length` bytes become at most. */
export function encodedLength(length: number): number {
  return length + Math.ceil(length / (longestGroup - 1)) + (length === 0 ? 1 : 0);
}

/** `data` without zeros. */
export function encodeCobs(data: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(encodedLength(data.length) + 1);
  let codeAt = 0;
  let at = 1;
  for (let index = 0; index < data.length; index++) {
    const byte = data[index] as number;
    if (byte === 0) {
      encoded[codeAt] = at - codeAt;
      codeAt = at++;
      continue;
    }
    encoded[at++] = byte;
    // A full group stands for no zero after it, and none begins where the data ends with it.
    if (at - codeAt === longestGroup && index + 1 < data.length) {
      encoded[codeAt] = longestGroup;
      codeAt = at++;
    }
  }
  encoded[codeAt] = at - codeAt;
  return encoded.subarray(0, at);
}

/** What `encoded` stands for; undefined where it is not COBS: it holds a zero, ends within a group, or is empty. */
export function decodeCobs(encoded: Uint8Array): Uint8Array | undefined {
  if (encoded.length === 0) return undefined;
  const data = new Uint8Array(encoded.length);
  let length = 0;
  let at = 0;
  while (at < encoded.length) {
    const code = encoded[at++] as number;
    const end = at + code - 1;
    if (code === 0 || end > encoded.length) return undefined;
    while (at < end) {
      const byte = encoded[at++] as number;
      if (byte === 0) return undefined;
      data[length++] = byte;
    }
    if (code !== longestGroup && at < encoded.length) data[length++] = 0;
  }
  return data.subarray(0, length);
}
