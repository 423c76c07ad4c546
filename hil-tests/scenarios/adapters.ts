import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrame, encodePacket, type Value } from '@loadline/sdk/t24';
import { VirtualPort } from '../rig/index.ts';
import type { StoredReading } from './site.ts';

/** Several adapters in a folder of their own, as /dev/serial/by-id is: for ports that a pattern leads to. */
export class Adapters {
  readonly folder: string;
  readonly #ports: VirtualPort[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Adapters> {
    return new Adapters(await mkdtemp(join(tmpdir(), 'loadline-adapters-')));
  }

  /** Plugs an adapter in under this name. */
  async plugIn(name: string): Promise<VirtualPort> {
    const port = await VirtualPort.open({ folder: this.folder, name });
    this.#ports.push(port);
    return port;
  }

  /** Path or pattern in this folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.close()));
    await rm(this.folder, { recursive: true });
  }
}

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
