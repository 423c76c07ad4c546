import type { Sample } from './samples.ts';

const width = 960;
const height = 420;
const margin = { left: 60, right: 20, top: 30, bottom: 70 };
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;

const lines = [
  { name: 'cloud', colour: '#1f5fa8', of: (sample: Sample) => sample.cloud.memory },
  { name: 'cloud, in use', colour: '#7fb2e5', of: (sample: Sample) => sample.inUse },
  { name: 'gateway', colour: '#b8440e', of: (sample: Sample) => sample.gateway.memory },
] as const;

/** Memory of both programs over the time of a run, resident and in use, as SVG; grey where something was wrong with the network or the radio. */
export function memoryPlot(samples: readonly Sample[]): string {
  const end = Math.max(samples.at(-1)?.seconds ?? 0, 1);
  const top = ceiling(Math.max(1, ...samples.flatMap((sample) => lines.map(({ of }) => of(sample)))));
  const x = (seconds: number) => round(margin.left + (seconds / end) * plotWidth);
  const y = (memory: number) => round(margin.top + (1 - memory / top) * plotHeight);
  const faulty = samples.flatMap(({ seconds, faults }, at) => {
    const next = samples[at + 1]?.seconds ?? seconds;
    return faults.length === 0
      ? []
      : [
          `<rect x="${x(seconds)}" y="${margin.top}" width="${round(x(next) - x(seconds))}" height="${plotHeight}" ` +
            'fill="#ececec"/>',
        ];
  });
  const rows = fifths(top).map(
    (memory) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(memory)}" y2="${y(memory)}" stroke="#ccc"/>` +
      `<text x="${margin.left - 8}" y="${y(memory) + 4}" text-anchor="end">${round(memory)}</text>`,
  );
  const columns = fifths(end).map(
    (seconds) =>
      `<text x="${x(seconds)}" y="${margin.top + plotHeight + 20}" text-anchor="middle">${round(seconds / 60)}</text>`,
  );
  const curves = lines.map(({ name, colour, of }, at) => {
    const points = samples.map((sample) => `${x(sample.seconds)},${y(of(sample))}`).join(' ');
    return (
      `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>` +
      `<text x="${margin.left + at * 120}" y="${height - 12}" fill="${colour}">${name}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>Memory of gateway and cloud over the time of a soak, and when which faults were</title>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...faulty,
    ...rows,
    ...columns,
    ...curves,
    `<text x="${margin.left}" y="18">memory, MiB; grey: a fault of the network or the radio</text>`,
    `<text x="${margin.left + plotWidth}" y="${height - 12}" text-anchor="end">minutes</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The next round number, so that the grid's lines stand at round ones. */
function ceiling(most: number): number {
  const step = 10 ** Math.floor(Math.log10(most)) / 2;
  return Math.ceil(most / step) * step;
}

function fifths(end: number): number[] {
  return [0, 1, 2, 3, 4, 5].map((part) => (end * part) / 5);
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
