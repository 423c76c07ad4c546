import { dataTypes, encodeFrame, frameOverheadBytes, maxPacketBytes, packetTypes } from '@loadline/sdk/t24';
import type { SeededRandom } from '../../rig/random.ts';
import { mutated, noise, oneOf } from '../spoil.ts';
import { bitwiseCrc } from './judge.ts';

/** A piece of a line: its bytes, and where in it frames stand that somebody sent. */
export interface Piece {
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Where the frames begin that are to come out. */
  readonly frames: readonly number[];
}

/** Bytes that are not one of the simulated base station's whole frames, by what they are; `frame` is one that is spoilt for it. */
const hostile: readonly (readonly [string, (random: SeededRandom, frame: Uint8Array) => Uint8Array])[] = [
  ['noise', (random) => noise(random, 2000)],
  ['one byte again and again', (random) => Buffer.alloc(random.integer(1, 400), random.integer(0, 255))],
  ['beginnings without an end', (random, frame) => frame.subarray(0, random.integer(1, 8))],
  ['beginnings with another end', another],
  ['bits turned', turned],
  ['bytes lost', cut],
  ['bytes put in', filled],
  ['whatever else', mutated],
  ['a console', (random) => Buffer.from(oneOf(random, consoles))],
  ['lines of a GW1', (random) => Buffer.from(`FE56=${random.integer(-999, 999)}.5,100,0,0\r`)],
];
const guided = 'what coverage led to';

/** Frames that are remembered: so far back a piece can make whole what another one left. */
const remembered = 4096;

/** Draws the line of a simulated base station, piece by piece: half are whole frames, among all that can come between them. */
export class HostileLine {
  readonly #random: SeededRandom;
  readonly #corpus: readonly Uint8Array[];
  readonly #known = new Set<string>();

  /** @param corpus more bytes that come in between */
  constructor(random: SeededRandom, corpus: readonly Uint8Array[]) {
    this.#random = random;
    this.#corpus = corpus;
  }

  /** Whether these bytes are those of a frame that was drawn lately, to be sent whole or to be spoilt. */
  knows(frame: Uint8Array): boolean {
    return this.#known.has(nameOf(frame));
  }

  next(): Piece {
    const random = this.#random;
    if (random.integer(0, 1) === 0) return this.#wholeFrames();
    const which = random.integer(0, hostile.length);
    if (which === hostile.length && this.#corpus.length > 0) {
      const bytes = oneOf(random, this.#corpus);
      for (const frame of framesIn(bytes)) this.#remember(frame);
      return { kind: guided, bytes, frames: [] };
    }
    const [kind, spoil] = hostile[which % hostile.length] as (typeof hostile)[number];
    return { kind, bytes: spoil(random, this.#drawn()), frames: [] };
  }

  #wholeFrames(): Piece {
    const all = Array.from({ length: this.#random.integer(1, 20) }, () => this.#drawn());
    const frames: number[] = [];
    let at = 0;
    for (const { length } of all) {
      frames.push(at);
      at += length;
    }
    return { kind: 'whole frames', bytes: Buffer.concat(all), frames };
  }

  #drawn(): Uint8Array {
    const frame = drawnFrame(this.#random);
    for (const one of framesIn(frame)) this.#remember(one);
    return frame;
  }

  #remember(frame: Uint8Array): void {
    this.#known.add(nameOf(frame));
    for (const oldest of this.#known) {
      if (this.#known.size <= remembered) break;
      this.#known.delete(oldest);
    }
  }
}

function nameOf(frame: Uint8Array): string {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('latin1');
}

/** Whatever is a whole frame in these bytes, at any place, by the definition of one. */
function framesIn(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes.keys()).flatMap((at) => {
    const size = bytes[at] as number;
    const frame = bytes.subarray(at, at + size + frameOverheadBytes);
    const isFrame =
      frame.length === size + frameOverheadBytes &&
      bytes[at + 1] === size &&
      bitwiseCrc(frame.subarray(0, size + 3)) ===
        ((frame[size + 3] as number) | ((frame[size + 4] as number) << 8));
    return isFrame ? [frame] : [];
  });
}

/** A frame of any type and content that can be one. */
export function drawnFrame(random: SeededRandom): Uint8Array {
  for (;;) {
    const packet = drawnPacket(random);
    try {
      return encodeFrame(random.integer(1, 16), packet);
    } catch {
      // It would have paused every module: no frame that anybody sends.
    }
  }
}

function drawnPacket(random: SeededRandom): Uint8Array {
  const flags = random.integer(0, 7) << 5;
  const bytes = (count: number) => random.bytes(count);
  // What a line is full of: data providers.
  if (random.integer(0, 3) > 0) {
    const type = random.integer(0, 6);
    const data = bytes(dataBytes(random, type));
    return Buffer.concat([
      Buffer.of(flags | packetTypes.dataProvider),
      bytes(3),
      Buffer.of((random.integer(0, 31) << 3) | type),
      data,
      bytes(2),
    ]);
  }
  const [type, size] = oneOf(random, [
    [packetTypes.read, 5],
    [packetTypes.write, random.integer(6, 6 + 64)],
    [packetTypes.ack, random.integer(6, maxPacketBytes)],
    [packetTypes.nak, 6],
    [packetTypes.timeout, 6],
    [packetTypes.dataInvalid, 6],
    [packetTypes.pairRequest, random.integer(5, 6)],
    [packetTypes.pairResponse, 8],
    [oneOf(random, [0, 1, 2, 4, 0x0b, 0x12, 0x15, 0x1f]), random.integer(1, maxPacketBytes)],
  ] as const);
  const rest = bytes(size - 1);
  // A frame inside a frame is data of the outer one.
  if (size > 40 && random.integer(0, 3) === 0) rest.set(encodeFrame(1, bytes(8)), 1);
  return Buffer.concat([Buffer.of(flags | type), rest]);
}

function dataBytes(random: SeededRandom, type: number): number {
  if (type === dataTypes.string || type === dataTypes.binary) return random.integer(0, 64);
  return [0, 1, 2, 4, 4][type] as number;
}

/** Everything of a frame but its checksum, and often not its rest. */
function another(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const from = random.integer(4, frame.length);
  for (let at = from; at < frame.length; at++) frame[at] = random.integer(0, 255);
  return frame;
}

function turned(random: SeededRandom, frame: Uint8Array): Uint8Array {
  for (let bits = random.integer(1, 12); bits > 0; bits--) {
    const at = random.integer(0, frame.length - 1);
    frame[at] = (frame[at] as number) ^ (1 << random.integer(0, 7));
  }
  return frame;
}

function cut(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const at = random.integer(0, frame.length - 1);
  return Buffer.concat([frame.subarray(0, at), frame.subarray(at + random.integer(1, 20))]);
}

function filled(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const at = random.integer(0, frame.length);
  return Buffer.concat([frame.subarray(0, at), noise(random, 20), frame.subarray(at)]);
}

const consoles = [
  '\r\nDebian GNU/Linux 12 raspberrypi ttyAMA0\r\n\r\nraspberrypi login: ',
  '[   12.345678] usb 1-1.2: USB disconnect, device number 4\r\n',
  'AT\r\nATZ\r\nAT+GCAP\r\n',
];
