/** What was read back is not what was written: a record or header whose bytes make no sense. */
export class JournalDamage extends Error {
  override name = 'JournalDamage';
}

const scratch = new DataView(new ArrayBuffer(8));

/** Writes bytes one after another into a buffer that grows as it must, and is used again and again. */
export class ByteWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity = 16 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  uint8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number 0..2^53-1, seven bits a byte, lowest first, the top bit set in all but the last. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A whole number of either sign, |value| < 2^52, small ones short: 0, -1, 1, -2 … become 0, 1, 2, 3 …. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** The `count` lowest bytes of a 32-bit number, lowest first. */
  low(value: number, count: number): void {
    this.#room(4);
    for (let index = 0; index < count; index++) this.#bytes[this.#length++] = value >>> (index * 8);
  }

  float64(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  binary(value: Uint8Array): void {
    this.varint(value.length);
    this.#raw(value);
  }

  /** Text as UTF-8; what is no well-formed Unicode (lone surrogates) as UTF-16, and marked so. */
  text(value: string): void {
    const form = value.isWellFormed() ? 'utf8' : 'utf16le';
    const bytes = Buffer.from(value, form);
    this.varint(bytes.length * 2 + (form === 'utf8' ? 0 : 1));
    this.#raw(bytes);
  }

  #raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads what a ByteWriter wrote. Everything throws JournalDamage past the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new JournalDamage('ends too early');
    return byte;
  }

  varint(): number {
    let byte = this.uint8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let unit = 0x80;
    do {
      byte = this.uint8();
      value += (byte & 0x7f) * unit;
      unit *= 0x80;
    } while (byte >= 0x80);
    if (!Number.isSafeInteger(value)) throw new JournalDamage('a number is too large');
    return value;
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  low(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) value |= this.uint8() << (index * 8);
    return value >>> 0;
  }

  float64(): number {
    for (let index = 0; index < 8; index++) scratch.setUint8(index, this.uint8());
    return scratch.getFloat64(0, true);
  }

  /** A copy: what was read from is used again. */
  binary(): Uint8Array {
    return new Uint8Array(this.#raw(this.varint()));
  }

  text(): string {
    const head = this.varint();
    return this.#raw(Math.floor(head / 2)).toString(head % 2 === 0 ? 'utf8' : 'utf16le');
  }

  #raw(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new JournalDamage('ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
