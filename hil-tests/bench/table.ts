import type { BenchRow, Comparison } from './bench.ts';
import { type Kept, ratios, unmatched } from './kept.ts';
import { differences, machineLine } from './machine.ts';

/** What is the same in every row, and every text, stands above the table once: the figures fit a screen then. */
export function table(rows: readonly BenchRow[]): string {
  const figures = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((figure) => figure !== 'name');
  const values = (figure: string) => [...new Set(rows.map((row) => row[figure]))];
  const isNote = (figure: string) =>
    values(figure).length === 1 || values(figure).some((value) => typeof value === 'string');
  const notes = figures
    .filter(isNote)
    .flatMap((figure) => values(figure).map((value) => `${figure}: ${cell(value)}`));

  const columns = ['name', ...figures.filter((figure) => !isNote(figure))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  return [...notes, '', aligned(lines)].join('\n');
}

/** The rows' watched figures beside those that are kept, and their ratio. */
export function keptTable(
  { rows, watched, machine }: Pick<Kept, 'rows' | 'watched' | 'machine'>,
  kept: Kept,
) {
  const lines = ratios(rows, kept.rows, watched).map(({ row, figure, now, than, ratio, isWorse }) => [
    `${row}: ${figure}`,
    cell(now),
    cell(than),
    `${ratio.toFixed(2)}${isWorse ? ' !' : '  '}`,
  ]);
  const others = differences(machine, kept.machine);
  const { onlyNow, onlyKept } = unmatched(rows, kept.rows);
  const speed = machine.yardstickMilliseconds / kept.machine.yardstickMilliseconds;
  return [
    `kept ${kept.keptAt.slice(0, 10)} of ${kept.commit ?? 'no commit'} on ${machineLine(kept.machine)}`,
    ...(others.length > 0 ? [`that was another machine, the ratios say little: ${others.join('; ')}`] : []),
    ...(onlyKept.length > 0 ? [`kept, and not measured now: ${onlyKept.join(', ')}`] : []),
    ...(onlyNow.length > 0 ? [`measured, and not kept: ${onlyNow.join(', ')}`] : []),
    `the yardstick takes ${speed.toFixed(2)} times what it took then; ! is worse by more than a tenth`,
    '',
    aligned([['', 'now', 'kept', 'now / kept  '], ...lines]),
  ].join('\n');
}

/** Case by case, who took what, and each figure of Loadline by that of the other. */
export function comparisonTable({ watched, rows, missing }: Comparison): string {
  const figures = Object.keys(watched);
  const cases = [...new Set(rows.map(({ name }) => name))];
  const lines = cases.flatMap((name) => {
    const [ours, ...others] = rows.filter((row) => row.name === name);
    if (ours === undefined) return [];
    const line = (row: BenchRow) => ['', ...figures.map((figure) => cell(row[figure]))];
    return [
      [name, ...figures.map(() => '')],
      line(ours).with(0, `  ${ours.by}`),
      ...others.flatMap((other) => {
        const found = ratios([ours], [other], watched);
        const ratio = (figure: string) => found.find((one) => one.figure === figure)?.ratio.toFixed(2) ?? '';
        return [line(other).with(0, `  ${other.by}`), ['    Loadline / it', ...figures.map(ratio)]];
      }),
    ];
  });
  const notes = [...new Set(rows.map(({ dataSet }) => dataSet).filter((text) => text !== undefined))];
  const better = Object.entries(watched).map(([figure, which]) => `${figure} (${which} is better)`);
  return [
    ...notes.map((note) => `dataSet: ${note}`),
    better.join(', '),
    ...missing.map((why) => `left out: ${why}`),
    '',
    aligned([['', ...figures], ...lines]),
  ].join('\n');
}

export function cell(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? '';
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 3 : 0 });
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const align = (text: string, at: number) =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}
