import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import type { ByteSink } from '../rig/index.ts';
import type { StoredReading } from '../scenario/index.ts';

/** A simulated transmitter that counts: value n is the nth frame sent, so what is missing or there twice shows. */
export class Counter {
  readonly #sink: ByteSink;
  readonly #tag: number;
  #sent = 0;

  constructor(sink: ByteSink, tag = 0x3a10) {
    this.#sink = sink;
    this.#tag = tag;
  }

  /** Frames sent so far; the next carries this value. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends the next `count` frames as fast as they are taken. */
  async send(count: number): Promise<void> {
    const frames = Array.from({ length: count }, (_, index) => counterFrame(this.#tag, this.#sent + index));
    this.#sent += count;
    await this.#sink.write(Buffer.concat(frames));
  }

  /** Sends a frame every `milliseconds` until the promise settles. */
  async sendWhile(milliseconds: number, work: Promise<unknown>): Promise<void> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    while (!done) {
      await this.send(1);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
    }
    await ended;
  }
}

/** A frame of an int32 as base station 1 sends it. */
export function counterFrame(tag: number, value: number): Uint8Array {
  return encodeFrame(
    1,
    encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag,
      status: 0,
      dataType: 3,
      value: { type: 'int32', value },
      rssi: 0xfb,
      cv: 0xe8,
    }),
  );
}

/** The counts in stored readings. */
export function countsIn(readings: readonly StoredReading[]): number[] {
  return readings.map(({ value }) => (value.type === 'int32' ? value.value : Number.NaN));
}

/** 0, 1, 2 … `count - 1`. */
export function countsTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
