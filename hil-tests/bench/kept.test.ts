import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BenchRow } from './bench.ts';
import { benchNames } from './benches.ts';
import { type Kept, ratios, readKept } from './kept.ts';
import { pagePath, withFigures } from './page.ts';
import { comparisonTable, keptTable } from './table.ts';

const test = suite('the figures that are kept');

const machine = {
  ...{ cpu: 'A processor', cores: 2, memoryGibibytes: 4, system: 'Linux', kernel: '6', node: 'v24' },
  ...{ syncMilliseconds: 0.1, yardstickMilliseconds: 50, load: 0 },
};
const watched = { perSecond: 'more', bytes: 'less' } as const;
const kept: Kept = {
  ...{ bench: 'framer', keptAt: '2026-01-01T00:00:00.000Z', commit: 'abc', machine, watched },
  rows: [
    { name: 'one', perSecond: 100, bytes: 10, readings: 5 },
    { name: 'gone', perSecond: 1 },
  ],
  comparison: {
    watched,
    rows: [
      { name: 'one', by: 'Loadline', perSecond: 100, bytes: 10 },
      { name: 'one', by: 'Another', perSecond: 50, bytes: 0 },
    ],
    missing: ['A third: not here'],
  },
};

test('a figure is worse by more than a tenth in its own direction, and what only one side has is left out', () => {
  const now: BenchRow[] = [
    { name: 'one', perSecond: 80, bytes: 8, readings: 7 },
    { name: 'new', perSecond: 3, bytes: 1 },
  ];
  assert.equal(
    ratios(now, kept.rows, watched).map(({ row, figure, ratio, isWorse }) => [row, figure, ratio, isWorse]),
    [
      ['one', 'perSecond', 0.8, true],
      ['one', 'bytes', 0.8, false],
    ],
  );
  const [, bytes] = ratios([{ name: 'one', perSecond: 100, bytes: 12 }], kept.rows, watched);
  assert.is(bytes?.isWorse, true);
});

test('tables name the machine of then, how fast this one is beside it, and who was left out', () => {
  const rows = [{ name: 'one', perSecond: 80, bytes: 10 }];
  const text = keptTable({ rows, watched, machine: { ...machine, yardstickMilliseconds: 75 } }, kept);
  assert.match(text, 'kept 2026-01-01 of abc on 2 x A processor');
  assert.match(text, 'the yardstick takes 1.50 times');
  assert.match(text, /one: perSecond +80 +100 +0\.80 !/);
  const compared = comparisonTable(kept.comparison as NonNullable<Kept['comparison']>);
  assert.match(compared, /Loadline \/ it +2\.00\n?$/m);
  assert.match(compared, 'left out: A third: not here');
});

test('figures of another machine are said to be that, and rows without a counterpart are named', () => {
  const rows = [{ name: 'new', perSecond: 80, bytes: 10 }];
  const other = { ...machine, cpu: 'Another processor', cores: 4, load: 3 };
  const text = keptTable({ rows, watched, machine: other }, kept);
  assert.match(
    text,
    'that was another machine, the ratios say little: processor Another processor, then A processor; cores 4, then 2\n',
  );
  assert.match(text, 'kept, and not measured now: one, gone\nmeasured, and not kept: new\n');
  const same = keptTable({ rows: kept.rows, watched, machine: { ...machine, load: 3, kernel: '7' } }, kept);
  assert.not.match(same, /another machine|not measured|not kept/);
});

test('the page has a place for each bench, and in it the figures that are kept', () => {
  const page = readFileSync(pagePath, 'utf8');
  for (const bench of benchNames) {
    assert.match(withFigures(page, { ...kept, bench }), '| one | Loadline | 100 | 10 |');
    const own = readKept(bench);
    if (own !== undefined)
      assert.is(withFigures(page, own), page, `npm run bench -- ${bench} --keep writes it`);
  }
  assert.throws(() => withFigures(page, { ...kept, bench: 'none' }), /has no place for none/);
});

test.run();
