import {
  decodePacket,
  encodePacket,
  type Framed,
  frameOverheadBytes,
  maxFrameBytes,
  T24Error,
} from '@loadline/sdk/t24';

/** A frame on the line that is to come out, and whether there is a reason why it might not. */
interface Sent {
  readonly start: number;
  readonly end: number;
  isExcused: boolean;
}

/** What came out of a framer. */
export interface SerialCounts {
  frames: number;
  /** Frames that nobody sent: noise whose CRC happens to be right; and of those, what looks like a reading. */
  falseFrames: number;
  falseReadings: number;
  /** Places where everything was as in a frame, up to the CRC, and nobody had sent one: each passes by a chance of 2^-16. */
  candidates: number;
  /** Sent, and not come out, since a frame with a right CRC lay over them, or the line fell silent within them. */
  excused: number;
  discarded: Record<string, number>;
  mostHeld: number;
}

/**
 * Holds what comes out of a framer against what went in: every byte comes out once and in order, or is held; every frame is one
 * by a checksum that is worked out here, bit by bit; whatever was sent whole comes out.
 */
export class SerialJudge {
  readonly counts: SerialCounts = {
    ...{ frames: 0, falseFrames: 0, falseReadings: 0, candidates: 0, excused: 0 },
    ...{ discarded: {}, mostHeld: 0 },
  };
  /** Bytes that went in and have not come out. */
  #pending: Buffer = Buffer.alloc(0);
  #in = 0;
  #out = 0;
  readonly #sent: Sent[] = [];
  /** Frames that are to be taken for sent wherever they stand: a spoilt frame may be whole again by one of its neighbours. */
  readonly #known: (bytes: Uint8Array) => boolean;

  constructor(known: (bytes: Uint8Array) => boolean) {
    this.#known = known;
  }

  /** Bytes that have gone in. */
  get bytes(): number {
    return this.#in;
  }

  /** A frame is to stand on the line, so many bytes from where it is now. */
  expect(offset: number, length: number): void {
    this.#sent.push({ start: this.#in + offset, end: this.#in + offset + length, isExcused: false });
  }

  /** These bytes go in. */
  give(bytes: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    this.#in += bytes.length;
  }

  /** The line falls silent: who is half through is not to be waited for. */
  silence(): void {
    for (const sent of this.#sent) if (sent.start < this.#in && sent.end > this.#in) sent.isExcused = true;
  }

  /** This came out, and so much is held; throws where that cannot be. */
  take(framed: readonly Framed[], held: number): void {
    for (const one of framed) {
      if (one.kind === 'frame') this.#frame(one.base, one.packet);
      else {
        this.#came(one.bytes);
        this.counts.discarded[one.reason] = (this.counts.discarded[one.reason] ?? 0) + one.bytes.length;
        if (one.reason === 'crc') this.counts.candidates += one.bytes.length;
        this.#settle();
      }
    }
    if (this.#in - this.#out !== held)
      throw new Error(`${this.#in - this.#out} bytes are owed, ${held} are held`);
    if (held >= maxFrameBytes) throw new Error(`${held} bytes are held`);
    this.counts.mostHeld = Math.max(this.counts.mostHeld, held);
  }

  #frame(base: number, packet: Uint8Array): void {
    const start = this.#out;
    const size = packet.length + frameOverheadBytes;
    const bytes = Uint8Array.from(this.#pending.subarray(0, size));
    if (bytes.length < size) throw new Error('a frame of more bytes than went in');
    if (bytes[0] !== packet.length || bytes[1] !== packet.length || bytes[2] !== base)
      throw new Error(`a frame of other bytes: ${Buffer.from(bytes).toString('hex')}`);
    if (Buffer.compare(bytes.subarray(3, size - 2), packet) !== 0) throw new Error('another packet');
    if (
      bitwiseCrc(bytes.subarray(0, size - 2)) !==
      ((bytes[size - 2] as number) | ((bytes[size - 1] as number) << 8))
    )
      throw new Error(`a frame whose CRC is wrong: ${Buffer.from(bytes).toString('hex')}`);
    decodes(packet);
    this.#came(bytes);
    this.counts.frames += 1;
    const at = this.#sent.findIndex((sent) => sent.start === start && sent.end === start + size);
    if (at >= 0) this.#sent.splice(at, 1);
    else if (!this.#known(bytes)) {
      this.counts.falseFrames += 1;
      if (((packet[0] as number) & 0x1f) === 3) this.counts.falseReadings += 1;
    }
    // What this one lies over cannot come out any more.
    for (const sent of this.#sent) if (sent.start < start + size && sent.end > start) sent.isExcused = true;
    this.#settle();
  }

  #came(bytes: Uint8Array): void {
    if (Buffer.compare(this.#pending.subarray(0, bytes.length), bytes) !== 0)
      throw new Error('other bytes came out than went in, or in another order');
    this.#pending = this.#pending.subarray(bytes.length);
    this.#out += bytes.length;
  }

  /** Whoever should have come out by now. */
  #settle(): void {
    for (;;) {
      const first = this.#sent[0];
      if (first === undefined || first.start >= this.#out) return;
      this.#sent.shift();
      if (!first.isExcused) throw new Error(`a whole frame at byte ${first.start} did not come out`);
      this.counts.excused += 1;
    }
  }
}

/** A packet is decoded, whatever it is, and one that can be encoded is the same bytes again. */
function decodes(packet: Uint8Array): void {
  const decoded = decodePacket(packet);
  if (decoded.kind === 'malformed') return;
  let again: Uint8Array;
  try {
    again = encodePacket(decoded);
  } catch (error) {
    if (error instanceof T24Error) return;
    throw error;
  }
  if (Buffer.compare(again, packet) !== 0)
    throw new Error(
      `${Buffer.from(packet).toString('hex')} is encoded as ${Buffer.from(again).toString('hex')}`,
    );
}

/** CRC-16/MODBUS a bit at a time, as it is defined: no table that could be wrong in the same way. */
export function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}
