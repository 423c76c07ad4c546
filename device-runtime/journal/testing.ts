import type { Entry, Reading } from '@loadline/sdk/telemetry';
import { DiskJournal, type JournalEvent, type JournalOptions } from './disk-journal.ts';
import type { Journal, Run } from './journal.ts';

/** What the tests of the journal share. */

export const boot = 'b0'.repeat(16);
export const everything = { first: 0, last: Number.MAX_SAFE_INTEGER };

/** A reading that is known again by its time. */
export function reading(monotonic: number, over: Partial<Reading> = {}): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 0x25df + (monotonic % 7),
    aspect: 'heard',
    calibration: undefined,
    monotonic,
    value: { type: 'float32', value: Math.fround(monotonic / 3) },
    flags: 0,
    status: 0,
    quality: { kind: 'radio', rssi: 0xfb, cv: monotonic % 256 },
    ...over,
  };
}

export type Opened = DiskJournal & { readonly events: JournalEvent[] };

/** A journal that writes when it is told to, and keeps its events. */
export async function openJournal(
  folder: JournalOptions['folder'],
  over: Partial<JournalOptions> = {},
): Promise<Opened> {
  const events: JournalEvent[] = [];
  const journal = await DiskJournal.open({
    folder,
    boot,
    maxBytes: 64 * 1024 * 1024,
    flushMilliseconds: 3_600_000,
    now: () => 0,
    monotonic: () => performance.now(),
    onEvent: (event) => events.push(event),
    ...over,
  });
  return Object.assign(journal, { events });
}

/** Everything held, in runs of at most `maxEntries`. */
export function runsOf(journal: Journal, maxEntries = 1000): Run[] {
  const runs: Run[] = [];
  let first = 0;
  for (;;) {
    const run = journal.cut({ first, last: everything.last }, 1e9, maxEntries);
    if (run === undefined) return runs;
    runs.push(run);
    first = run.position + run.entries.length;
  }
}

/** Everything held, each as `epoch:number` with its entry. */
export function contentsOf(journal: Journal): Map<string, Entry> {
  const contents = new Map<string, Entry>();
  for (const { header, entries } of runsOf(journal)) {
    entries.forEach((entry, index) => {
      const key = `${header.epoch}:${header.first + index}`;
      if (contents.has(key)) throw new Error(`${key} is there twice`);
      contents.set(key, entry);
    });
  }
  return contents;
}

/** A generator of numbers 0 <= n < 1 (mulberry32), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The next turn of the event loop, in which events arrive. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
