import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchRow, Comparison, Watched } from './bench.ts';
import { type Kept, ratios } from './kept.ts';
import { type Machine, machineLine } from './machine.ts';
import { cell } from './table.ts';

/** The page of results. */
export const pagePath = join(import.meta.dirname, '../../docs/benchmarks.md');

/** Writes the kept figures of one bench into the page. */
export function writePage(kept: Kept): void {
  writeFileSync(pagePath, withFigures(readFileSync(pagePath, 'utf8'), kept));
}

/**
 * The page with these figures in their place.
 *
 * @throws Error where the page has no place for them
 */
export function withFigures(page: string, kept: Kept): string {
  const [begin, end] = [
    `<!-- figures of ${kept.bench}: written by --keep -->`,
    `<!-- end of ${kept.bench} -->`,
  ];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${pagePath} has no place for ${kept.bench}: ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${figuresOf(kept)}\n\n${page.slice(to)}`;
}

function figuresOf({ keptAt, commit, machine, rows, watched, comparison }: Kept): string {
  const parts = [
    `${keptAt.slice(0, 10)}, commit ${commit ?? 'none'}; ${machineLine(machine)}; ${diskLine(machine)}.`,
    rowsTable(rows, watched),
  ];
  if (comparison !== null) parts.push(...comparisonParts(comparison));
  return parts.join('\n\n');
}

function diskLine({ system, kernel, syncMilliseconds, yardstickMilliseconds }: Machine): string {
  return `${system}, Linux ${kernel}; a sync ${syncMilliseconds} ms; yardstick ${yardstickMilliseconds} ms`;
}

function rowsTable(rows: readonly BenchRow[], watched: Watched): string {
  const figures = Object.keys(watched).filter((figure) => rows.some((row) => row[figure] !== undefined));
  return markdown(
    ['', ...figures.map(words)],
    rows.map((row) => [row.name, ...figures.map((figure) => cell(row[figure]))]),
  );
}

function comparisonParts({ rows, watched, missing }: Comparison): string[] {
  const figures = Object.keys(watched);
  const lines = rows.map((row) => {
    const ours = rows.find(({ name }) => name === row.name) as BenchRow;
    const found = row === ours ? [] : ratios([ours], [row], watched);
    return [
      row === ours ? row.name : '',
      row.by,
      ...figures.map((figure) => {
        const ratio = found.find((one) => one.figure === figure)?.ratio;
        return `${cell(row[figure])}${ratio === undefined ? '' : ` (${ratio.toFixed(2)})`}`;
      }),
    ];
  });
  return [
    'Beside others, in one run; in parentheses Loadline’s figure by theirs:',
    markdown(['', '', ...figures.map((figure) => `${words(figure)}, ${watched[figure]} is better`)], lines),
    ...missing.map((why) => `Left out: ${why}.`),
  ];
}

/** `messagesPerCpuSecond` as people write it. */
function words(figure: string): string {
  return figure.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
