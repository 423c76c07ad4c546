import type { Journal } from './journal.ts';

/** Bytes and entries looked at in one go. */
const atOnce = { bytes: 256 * 1024, entries: 4096 };
/** Entries that are looked at; of what is beyond them, each counts as a reading, as nearly each is one. */
const mostEntries = 20_000;

/** How many readings a journal holds: events and anchors are not counted. */
export function heldReadings(journal: Journal): number {
  let readings = 0;
  let seen = 0;
  for (const range of journal.heldRanges()) {
    for (let first = range.first; first <= range.last; ) {
      if (seen >= mostEntries) return readings + Math.max(0, journal.held - seen);
      const run = journal.cut({ first, last: range.last }, atOnce.bytes, atOnce.entries);
      if (run === undefined || run.count === 0) break;
      readings += run.entries.filter(({ kind }) => kind === 'reading').length;
      seen += run.count;
      first = run.position + run.count;
    }
  }
  return readings;
}
