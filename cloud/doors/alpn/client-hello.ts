/**
 * What a TLS client says first, read as far as it tells servers apart: the protocols it wants to speak (ALPN).
 * Nothing is verified and nothing decided about TLS here; the server that gets the bytes does all of that anew.
 *
 *     record      = type 22 | version 3.x (2) | length (2) | fragment of the handshake        (RFC 8446, 5.1)
 *     handshake   = type 1 | length (3) | ClientHello; it may span records                    (RFC 8446, 4)
 *     ClientHello = version (2) | random (32) | session <1> | ciphers <2> | compression <1> | extensions <2>
 *     extension   = type (2) | data <2>; type 16: names <2> of name <1>                       (RFC 7301, 3.1)
 *
 * `<n>`: a length of n bytes, and that many bytes.
 */

/** Bytes that a ClientHello and its record headers may have: browsers send 2 KB at most. */
export const helloBytes = 16 * 1024;

/** What the bytes so far are. */
export type Hello =
  | { readonly kind: 'incomplete' }
  /** Whole. `protocols`: what ALPN names, in the client's order; empty where it does not use ALPN. */
  | { readonly kind: 'whole'; readonly protocols: readonly string[] }
  /** No ClientHello, whatever may follow. */
  | { readonly kind: 'refused'; readonly reason: string };

const recordHeaderBytes = 5;
const handshakeHeaderBytes = 4;
const applicationLayerProtocols = 16;
const incomplete: Hello = { kind: 'incomplete' };

class Malformed extends Error {}

/** Takes the bytes of one connection as they come. It looks at each byte once, and keeps at most `helloBytes`. */
export class HelloReader {
  /** Everything pushed, record headers included. */
  #held = new Bytes();
  /** The handshake message: the fragments of the records one after the other. */
  #message = new Bytes();
  /** Bytes of the current record's fragment that are still to come. */
  #fragmentLeft = 0;
  #header: number[] = [];

  /** What it is with these bytes. After anything but `incomplete` there is no more to push. */
  push(chunk: Uint8Array): Hello {
    let at = 0;
    while (at < chunk.length) {
      if (this.#held.length + at >= helloBytes) return refused(`longer than ${helloBytes} bytes`);
      if (this.#fragmentLeft === 0) {
        this.#header.push(chunk[at++] as number);
        const reason = headerFault(this.#header);
        if (reason !== undefined) return refused(reason);
        if (this.#header.length < recordHeaderBytes) continue;
        this.#fragmentLeft = number16(this.#header, 3);
        this.#header = [];
        continue;
      }
      const taken = Math.min(this.#fragmentLeft, chunk.length - at, helloBytes - this.#held.length - at);
      this.#message.append(chunk.subarray(at, at + taken));
      this.#fragmentLeft -= taken;
      at += taken;
      const hello = readHello(this.#message.view);
      if (hello.kind !== 'incomplete') {
        if (hello.kind === 'whole') this.#held.append(chunk);
        return hello;
      }
    }
    this.#held.append(chunk);
    return incomplete;
  }

  /** Every byte that was pushed, for the server that is to have them. */
  get bytes(): Uint8Array {
    return this.#held.view;
  }
}

/** Bytes gathered in a buffer of its own: chunks of one byte must not each keep what they were cut from. */
class Bytes {
  #buffer = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(chunk: Uint8Array): void {
    const wanted = this.#length + chunk.length;
    if (wanted > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(wanted, 2 * this.#buffer.length, 1024));
      larger.set(this.view);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = wanted;
  }
}

function refused(reason: string): Hello {
  return { kind: 'refused', reason };
}

/** Why the bytes of a record's header so far cannot be one that carries a handshake. */
function headerFault(header: readonly number[]): string | undefined {
  const [type, major] = header;
  if (type !== 22) return `not a TLS handshake: the first byte is ${type}`;
  if (major !== undefined && major !== 3) return `not a version of TLS: ${major}`;
  if (header.length < recordHeaderBytes) return undefined;
  const length = number16(header, 3);
  // An empty fragment of a handshake is forbidden, and so is one past 2^14 bytes (RFC 8446, 5.1).
  return length === 0 || length > 0x4000 ? `a record of ${length} bytes` : undefined;
}

function readHello(message: Uint8Array): Hello {
  if (message[0] !== 1) return refused(`not a ClientHello: the handshake begins with type ${message[0]}`);
  if (message.length < handshakeHeaderBytes) return incomplete;
  const length = ((message[1] as number) << 16) | number16(message, 2);
  if (length > helloBytes) return refused(`longer than ${helloBytes} bytes`);
  if (message.length < handshakeHeaderBytes + length) return incomplete;
  try {
    const body = message.subarray(handshakeHeaderBytes, handshakeHeaderBytes + length);
    return { kind: 'whole', protocols: protocolsOf(body) };
  } catch (error) {
    if (error instanceof Malformed) return refused(error.message);
    throw error;
  }
}

function protocolsOf(body: Uint8Array): string[] {
  const hello = new Fields(body);
  const versionAndRandom = 2 + 32;
  hello.take(versionAndRandom);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  // A client of TLS 1.2 may have nothing more to say.
  if (hello.done) return [];
  const extensions = new Fields(hello.vector(2));
  if (!hello.done) throw new Malformed('bytes after the extensions');
  let found: string[] | undefined;
  while (!extensions.done) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (type !== applicationLayerProtocols) continue;
    if (found !== undefined) throw new Malformed('ALPN twice');
    found = namesOf(data);
  }
  return found ?? [];
}

function namesOf(data: Uint8Array): string[] {
  const extension = new Fields(data);
  const list = new Fields(extension.vector(2));
  if (!extension.done || list.done) throw new Malformed('an ALPN list that is empty or too long');
  const names: string[] = [];
  while (!list.done) {
    const name = list.vector(1);
    if (name.length === 0) throw new Malformed('an empty name in ALPN');
    names.push(Buffer.from(name).toString('latin1'));
  }
  return names;
}

/** Reads fields one after the other; throws Malformed where a length says more than there is. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Malformed('a length that is longer than what holds it');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  number(bytes: 1 | 2): number {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }

  vector(lengthBytes: 1 | 2): Uint8Array {
    return this.take(this.number(lengthBytes));
  }
}

function number16(bytes: ArrayLike<number>, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
