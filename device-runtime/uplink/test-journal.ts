import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reading } from '@loadline/sdk/telemetry';
import { DiskJournal } from '../journal/index.ts';

/** For tests: a reading of a tag. */
export function reading(tag = 0x25df): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag,
    aspect: 'heard',
    calibration: undefined,
    monotonic: 1,
    value: { type: 'float32', value: 1 },
    flags: 0,
    status: 0,
    quality: { kind: 'radio', rssi: 0, cv: 0 },
  };
}

/** For tests: journals, each in a temporary folder of its own, and what closes them all. */
export class TestJournals {
  readonly #close: (() => Promise<void>)[] = [];

  async open(maxBytes = 256 * 1024 * 1024): Promise<DiskJournal> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-uplink-'));
    const journal = await DiskJournal.open({
      folder,
      boot: '0'.repeat(32),
      maxBytes,
      flushMilliseconds: 1000,
      now: Date.now,
      monotonic: () => performance.now(),
      onEvent: () => {},
    });
    this.#close.push(async () => {
      await journal.close();
      await rm(folder, { recursive: true });
    });
    return journal;
  }

  async closeAll(): Promise<void> {
    for (const close of this.#close.splice(0)) await close();
  }
}
