/** First byte of a PUBLISH with QoS 1 and without RETAIN; DUP may be set (MQTT 3.1.1, section 3.3.1). */
const publishByte = 0x32;
const dupBit = 0x08;

/** A PUBLISH that is whole. */
interface Whole {
  readonly packetId: number;
  readonly body: Buffer;
  /** Where the next packet begins. */
  readonly end: number;
}

/**
 * The way past the broker's parser and queues for what a link publishes nearly all the time: QoS 1 on one topic. It takes
 * such packets as stand at the head of what comes. Whatever else comes, and all behind it, is the broker's, as is every
 * fault in a packet. What it is handed is cut between packets, and as long as the broker has a publish of this link in
 * hand, nothing may be handed in: it would be taken ahead of that.
 */
export class ShortWay {
  /** The topic as it stands in the packet: its length in two bytes, and its text. */
  readonly #topic: Buffer;
  readonly #mostBytes: number;
  readonly #publish: (packetId: number, body: Buffer) => void;
  /** The beginning of a packet that goes on in what comes next, and how many bytes it must be to be looked at again. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #wanted = 0;

  /** `mostBytes`: what is longer is for others to refuse. */
  constructor(topic: string, mostBytes: number, publish: (packetId: number, body: Buffer) => void) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(Buffer.byteLength(topic));
    this.#topic = Buffer.concat([length, Buffer.from(topic)]);
    this.#mostBytes = mostBytes;
    this.#publish = publish;
  }

  get #hasBegun(): boolean {
    return this.#begunBytes > 0;
  }

  /** What it keeps, and what came after it. */
  giveBack(chunk: Buffer): Buffer {
    if (!this.#hasBegun) return chunk;
    const all = Buffer.concat([...this.#begun, chunk]);
    this.#begun = [];
    this.#begunBytes = 0;
    return all;
  }

  /** Takes what it can; returns what is for the broker. */
  take(chunk: Buffer): Buffer | undefined {
    if (this.#hasBegun && this.#begunBytes + chunk.length < this.#wanted) {
      this.#begin(chunk, this.#wanted);
      return undefined;
    }
    const bytes = this.giveBack(chunk);
    let at = 0;
    while (at < bytes.length) {
      const found = this.#read(bytes, at);
      if (found === 'other') return at === 0 ? bytes : bytes.subarray(at);
      if (typeof found === 'number') {
        this.#begin(bytes.subarray(at), found);
        return undefined;
      }
      at = found.end;
      this.#publish(found.packetId, found.body);
    }
    return undefined;
  }

  #begin(bytes: Buffer, wanted: number): void {
    this.#begun.push(bytes);
    this.#begunBytes += bytes.length;
    this.#wanted = wanted;
  }

  /** The packet that begins there, or how many bytes of it are wanted to say more. */
  #read(bytes: Buffer, start: number): Whole | number | 'other' {
    if (((bytes[start] as number) & ~dupBit) !== publishByte) return 'other';
    let at = start + 1;
    let length = 0;
    for (let scale = 1; ; scale *= 0x80) {
      if (scale > 0x200000) return 'other';
      if (at === bytes.length) return at - start + 1;
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    const topic = this.#topic;
    const bodyAt = at + topic.length + 2;
    const end = at + length;
    if (length > this.#mostBytes || bodyAt > end) return 'other';
    if (end > bytes.length) return end - start;
    if (bytes.compare(topic, 0, topic.length, at, at + topic.length) !== 0) return 'other';
    const packetId = bytes.readUInt16BE(bodyAt - 2);
    return packetId === 0 ? 'other' : { packetId, body: bytes.subarray(bodyAt, end), end };
  }
}
