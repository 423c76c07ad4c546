import { encodeFrame, encodePacket, type Value } from '@loadline/sdk/t24';
import type { StoredReading } from '../scenario/index.ts';

/** What a frame says, where it is not the usual. */
interface FrameWords {
  readonly base?: number;
  readonly flags?: number;
  readonly status?: number;
  /** Raw RSSI. */
  readonly rssi?: number;
}

/** The frame of a measurement: a number goes as int32, anything else as it is. */
export function frameOf(tag: number, measured: number | Value, words: FrameWords = {}): Uint8Array {
  const { base = 1, flags = 0x20, status = 0, rssi = 0xfb } = words;
  const value: Value = typeof measured === 'number' ? { type: 'int32', value: measured } : measured;
  const dataType = value.type === 'int32' ? 3 : 4;
  return encodeFrame(
    base,
    encodePacket({ kind: 'dataProvider', flags, tag, status, dataType, value, rssi, cv: 0xe8 }),
  );
}

/** Ports and whole numbers in stored readings. */
export function portsAndCounts(readings: readonly StoredReading[]): string[] {
  return readings.map(({ port, value }) => `${port} ${value.type === 'int32' ? value.value : value.type}`);
}
