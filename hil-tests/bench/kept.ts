import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchRow, Comparison, Watched } from './bench.ts';
import type { Machine } from './machine.ts';

/** The figures of one bench as they are kept: the budget that later ones are held against. */
export interface Kept {
  readonly bench: string;
  /** Date and time, UTC. */
  readonly keptAt: string;
  /** What was measured. */
  readonly commit: string | null;
  readonly machine: Machine;
  readonly watched: Watched;
  readonly rows: readonly BenchRow[];
  readonly comparison: Comparison | null;
}

const folder = join(import.meta.dirname, 'figures');

/** Undefined where nothing is kept of it. */
export function readKept(bench: string): Kept | undefined {
  const file = fileOf(bench);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : undefined;
}

export function writeKept(kept: Kept): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(kept.bench), `${JSON.stringify(kept, null, 2)}\n`);
}

function fileOf(bench: string): string {
  return join(folder, `${bench}.json`);
}

/** A watched figure of a row beside the same of another one. */
export interface Ratio {
  readonly row: string;
  readonly figure: string;
  readonly now: number;
  readonly than: number;
  /** The first by the second. */
  readonly ratio: number;
  /** Worse by more than a tenth, whichever way is worse of this figure. */
  readonly isWorse: boolean;
}

/**
 * Each watched figure of `rows` by that of the row of the same name among `than`. What only one side has is left out, and
 * so is what either has none of.
 */
export function ratios(
  rows: readonly BenchRow[],
  than: readonly BenchRow[],
  watched: Watched,
): readonly Ratio[] {
  return rows.flatMap((row) => {
    const other = than.find(({ name }) => name === row.name);
    return Object.entries(watched).flatMap(([figure, better]) => {
      const [now, then] = [row[figure], other?.[figure]];
      if (typeof now !== 'number' || typeof then !== 'number') return [];
      if (now === 0 || then === 0) return [];
      const ratio = now / then;
      const isWorse = better === 'more' ? ratio < 0.9 : ratio > 1.1;
      return [{ row: row.name, figure, now, than: then, ratio, isWorse }];
    });
  });
}

/** Names of rows that are on one side only: a budget of which nothing is measured any more is not kept to. */
export function unmatched(
  rows: readonly BenchRow[],
  than: readonly BenchRow[],
): { readonly onlyNow: readonly string[]; readonly onlyKept: readonly string[] } {
  const missing = (of: readonly BenchRow[], among: readonly BenchRow[]) =>
    of.map(({ name }) => name).filter((name) => !among.some((other) => other.name === name));
  return { onlyNow: missing(rows, than), onlyKept: missing(than, rows) };
}
