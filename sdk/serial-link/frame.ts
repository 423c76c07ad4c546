import { crc32 } from 'node:zlib';
import { limits } from '../contract/index.ts';
import { decodeCobs, encodeCobs, encodedLength } from './cobs.ts';

/** The first two bytes of every frame: `LK`. */
const magic = 0x4c4b;

/** Version of the layout of frames, drawn in README.md. Magic, version and checksum are where they are in every version. */
export const frameVersion = 1;

const kinds = { hello: 1, welcome: 2, data: 3, ack: 4, ping: 5, bye: 6 } as const;

/** Numbers of frames and transmissions have 48 bits: at 12 Mbit/s they last for four thousand years. */
const numberBytes = 6;
const headBytes = 4;
const tagBytes = 4;
const checksumBytes = 4;
const lastFlag = 1;
/** Bytes of the longest bitmap of selective acknowledgements. */
const selectiveBytes = limits.linkWindowFrames / 8;

/** Bytes between two delimiters at most. */
export const longestEncoded = encodedLength(
  headBytes + tagBytes + 2 * numberBytes + 1 + limits.linkFrameBytes + checksumBytes,
);

/** Part of a message. */
export interface DataFrame {
  readonly kind: 'data';
  /** Whose session it belongs to, and in which direction: see `sessionTag`. */
  readonly tag: number;
  /** Counts transmissions of data and pings, from 1: a frame that is sent again has another. */
  readonly transmission: number;
  /** Counts frames of data within the session, from 0. */
  readonly number: number;
  /** Whether the message ends with it. */
  readonly isLast: boolean;
  readonly data: Uint8Array;
}

/** What has come, and what may come. */
export interface AckFrame {
  readonly kind: 'ack';
  readonly tag: number;
  /** All frames of data below it have come. */
  readonly next: number;
  /** Frames of data may come up to the one before it. */
  readonly limit: number;
  /** The latest transmission that has come. A line keeps its order: what went before it and is not acknowledged here is lost. */
  readonly transmission: number;
  /** Bit i (least significant first) says that frame `next + 1 + i` has come. */
  readonly selective: Uint8Array;
}

export type Frame =
  /** Who is there, asking who else is; its body: `hello.ts`. */
  | { readonly kind: 'hello' | 'welcome'; readonly body: Uint8Array }
  | DataFrame
  | AckFrame
  /** Asks for an acknowledgement. */
  | { readonly kind: 'ping'; readonly tag: number; readonly transmission: number }
  /** The session is over. */
  | { readonly kind: 'bye'; readonly tag: number };

/** What stands between two delimiters. */
export type Piece =
  | Frame
  /** A frame of another version of the layout. */
  | { readonly kind: 'foreign'; readonly version: number }
  /** No frame: a console's text, a frame that was spoilt. */
  | { readonly kind: 'noise' };

/**
 * Four bytes that stand for a session in one direction: the checksum of the instances of sender and receiver. What an
 * echoing terminal sends back, and what is left of an earlier session, has another.
 */
export function sessionTag(sender: Uint8Array, receiver: Uint8Array): number {
  return crc32(receiver, crc32(sender));
}

/** The bytes of a frame, its delimiters before and after it included. */
export function encodeFrame(frame: Frame): Uint8Array {
  const body = bodyOf(frame);
  const plain = new Uint8Array(headBytes + body.length + checksumBytes);
  const view = new DataView(plain.buffer);
  view.setUint16(0, magic);
  view.setUint8(2, frameVersion);
  view.setUint8(3, kinds[frame.kind]);
  plain.set(body, headBytes);
  const end = headBytes + body.length;
  view.setUint32(end, crc32(plain.subarray(0, end)));
  const encoded = encodeCobs(plain);
  // The delimiter before it ends whatever else was on the line: noise costs no frame.
  const bytes = new Uint8Array(encoded.length + 2);
  bytes.set(encoded, 1);
  return bytes;
}

/** What stands between two delimiters. */
export function decodeFrame(encoded: Uint8Array): Piece {
  const noise: Piece = { kind: 'noise' };
  const plain = decodeCobs(encoded);
  if (plain === undefined || plain.length < headBytes + checksumBytes) return noise;
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (view.getUint16(0) !== magic) return noise;
  const end = plain.length - checksumBytes;
  if (view.getUint32(end) !== crc32(plain.subarray(0, end))) return noise;
  const version = view.getUint8(2);
  if (version !== frameVersion) return { kind: 'foreign', version };
  return readBody(view.getUint8(3), plain.subarray(headBytes, end)) ?? noise;
}

function bodyOf(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case 'hello':
    case 'welcome':
      return frame.body;
    case 'data': {
      const body = new Uint8Array(tagBytes + 2 * numberBytes + 1 + frame.data.length);
      const view = Buffer.from(body.buffer);
      view.writeUInt32BE(frame.tag, 0);
      view.writeUIntBE(frame.transmission, 4, numberBytes);
      view.writeUIntBE(frame.number, 10, numberBytes);
      view.writeUInt8(frame.isLast ? lastFlag : 0, 16);
      body.set(frame.data, 17);
      return body;
    }
    case 'ack': {
      const body = new Uint8Array(tagBytes + 3 * numberBytes + frame.selective.length);
      const view = Buffer.from(body.buffer);
      view.writeUInt32BE(frame.tag, 0);
      view.writeUIntBE(frame.next, 4, numberBytes);
      view.writeUIntBE(frame.limit, 10, numberBytes);
      view.writeUIntBE(frame.transmission, 16, numberBytes);
      body.set(frame.selective, 22);
      return body;
    }
    case 'ping': {
      const body = Buffer.alloc(tagBytes + numberBytes);
      body.writeUInt32BE(frame.tag, 0);
      body.writeUIntBE(frame.transmission, 4, numberBytes);
      return body;
    }
    case 'bye': {
      const body = Buffer.alloc(tagBytes);
      body.writeUInt32BE(frame.tag, 0);
      return body;
    }
  }
}

/** A frame by its kind; undefined where its length is none of that kind's, or the kind is not known. */
function readBody(kind: number, body: Uint8Array): Frame | undefined {
  const view = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const number = (at: number) => view.readUIntBE(at, numberBytes);
  switch (kind) {
    case kinds.hello:
      return { kind: 'hello', body };
    case kinds.welcome:
      return { kind: 'welcome', body };
    case kinds.data: {
      const data = body.subarray(17);
      if (data.length === 0 || data.length > limits.linkFrameBytes || body.length < 17) return undefined;
      const flags = view.readUInt8(16);
      if ((flags & ~lastFlag) !== 0) return undefined;
      return {
        ...{ kind: 'data', tag: view.readUInt32BE(0), transmission: number(4), number: number(10) },
        ...{ isLast: flags === lastFlag, data },
      };
    }
    case kinds.ack: {
      if (body.length < 22 || body.length > 22 + selectiveBytes) return undefined;
      return {
        ...{ kind: 'ack', tag: view.readUInt32BE(0), next: number(4), limit: number(10) },
        ...{ transmission: number(16), selective: body.subarray(22) },
      };
    }
    case kinds.ping:
      if (body.length !== tagBytes + numberBytes) return undefined;
      return { kind: 'ping', tag: view.readUInt32BE(0), transmission: number(4) };
    case kinds.bye:
      if (body.length !== tagBytes) return undefined;
      return { kind: 'bye', tag: view.readUInt32BE(0) };
    default:
      return undefined;
  }
}
