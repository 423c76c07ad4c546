import stringWidth from 'string-width';

/** Columns of a terminal that a column keeps, however narrow the terminal is. */
const leastWidth = 6;
const gap = '  ';

/**
 * Rows under a head, in columns. Where `width` (columns of the terminal) is not enough, the widest are cut, and say so by
 * an ellipsis; without `width` nothing is cut.
 */
export function inColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width?: number,
): string {
  const all = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, at) => Math.max(...all.map((row) => stringWidth(row[at] ?? ''))));
  if (width !== undefined) narrow(widths, width);
  return all
    .map((row) =>
      row
        .map((cell, at) => filled(cell, widths[at] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** Text as a terminal may be given it: names that others chose cannot move its cursor or turn its letters around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
}

function narrow(widths: number[], width: number): void {
  for (;;) {
    const sum = widths.reduce((total, one) => total + one, gap.length * (widths.length - 1));
    const widest = Math.max(...widths);
    if (sum <= width || widest <= leastWidth) return;
    widths[widths.indexOf(widest)] = widest - 1;
  }
}

function filled(cell: string, width: number): string {
  const is = stringWidth(cell);
  if (is <= width) return cell + ' '.repeat(width - is);
  let cut = '';
  for (const { segment } of new Intl.Segmenter().segment(cell)) {
    if (stringWidth(cut + segment) > width - 1) break;
    cut += segment;
  }
  return `${cut}…${' '.repeat(width - 1 - stringWidth(cut))}`;
}
