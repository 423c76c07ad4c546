/**
 * Just enough of DER (X.690) to read what `node:crypto` does not show of a certificate: its extensions and how it was
 * signed. OpenSSL has read the same bytes before and is what verifies them; node-forge, which could do this too, is a
 * third of a gateway's bundle and 10 MB of its memory.
 */

/** One element: its tag byte, and the bytes inside. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Tag bytes (X.690, section 8.1.2) of what is looked for here. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  /** [3] EXPLICIT: the extensions of a certificate. */
  extensions: 0xa3,
} as const;

/** The elements that `bytes` are a row of. Throws RangeError where a length is not DER's or leads past the end. */
export function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = byteAt(bytes, at);
    if ((tag & 0x1f) === 0x1f) throw new RangeError('a tag of several bytes');
    let length = byteAt(bytes, at + 1);
    let from = at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) throw new RangeError('an indefinite or huge length');
      length = 0;
      for (let index = 0; index < count; index++) length = length * 256 + byteAt(bytes, from++);
      if (length < 0x80 || length < 256 ** (count - 1))
        throw new RangeError('a length longer than it must be');
    }
    at = from + length;
    if (at > bytes.length) throw new RangeError('a length past the end');
    found.push({ tag, content: bytes.subarray(from, at) });
  }
  return found;
}

/** The elements inside the one element that `bytes` are, which must have this tag. */
export function inside(bytes: Uint8Array, tag: number): Element[] {
  const [only, ...others] = elements(bytes);
  if (only?.tag !== tag || others.length > 0) throw new RangeError(`not one element of tag ${tag}`);
  return elements(only.content);
}

/** An object identifier's content as dotted numbers (X.690, section 8.19). */
export function dotted(content: Uint8Array): string {
  const [first = 0, ...rest] = arcs(content);
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
}

function arcs(content: Uint8Array): number[] {
  const found: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      found.push(arc);
      arc = 0;
    }
  }
  return found;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('an element cut short');
  return byte;
}
