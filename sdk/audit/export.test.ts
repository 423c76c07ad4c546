import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exportHeader, exportLine, verifyExport } from './export.ts';
import { chainOf, contents } from './test-chain.ts';
import { witnessIn } from './witness.ts';

const exported = fc.tuple(fc.constantFrom('first', null), contents).map(([organisation, parts]) => {
  const { span, records } = chainOf(organisation, parts);
  return { span, lines: [exportHeader(span), ...records.map(exportLine)] };
});

async function isWhole(lines: readonly string[]): Promise<boolean> {
  const result = await verifyExport(lines);
  return result.kind === 'chain' && result.verdict.whole;
}

test('an export verifies by itself, and says which chain it is', async () => {
  await fc.assert(
    fc.asyncProperty(exported, async ({ span, lines }) => {
      const verdict = { whole: true as const, entries: lines.length - 1, erased: 0 };
      assert.equal(await verifyExport(lines), { kind: 'chain', span, verdict });
    }),
  );
});

test('an export of which any byte is another does not verify', async () => {
  await fc.assert(
    fc.asyncProperty(
      exported,
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 94 }),
      async ({ lines }, row, at, by) => {
        const line = lines[row % lines.length] as string;
        const index = at % line.length;
        const code = line.charCodeAt(index);
        fc.pre(code >= 0x20 && code < 0x7f);
        const character = String.fromCharCode(0x20 + ((code - 0x20 + by) % 95));
        const altered = `${line.slice(0, index)}${character}${line.slice(index + 1)}`;
        // The header says of its own accord whose chain it is: the entries contradict it, where there are any.
        assert.is(await isWhole(lines.with(row % lines.length, altered)), false, altered);
      },
    ),
    { numRuns: 150 },
  );
});

test('an export that lacks a line, or ends early, does not verify', async () => {
  await fc.assert(
    fc.asyncProperty(exported, fc.nat(), async ({ lines }, row) => {
      const index = row % lines.length;
      assert.is(await isWhole(lines.toSpliced(index, 1)), false);
      assert.is(await isWhole(lines.slice(0, index)), false);
    }),
  );
});

test('a line that says the same in other bytes is no line of an export', async () => {
  const { span, records } = chainOf('first', fc.sample(contents, { seed: 7, numRuns: 1 })[0] ?? []);
  const lines = [exportHeader(span), ...records.map(exportLine)];
  const line = lines[1] as string;
  assert.is(await isWhole(lines), true);
  assert.is(await isWhole(lines.with(1, ` ${line}`)), false);
  assert.is(await isWhole(lines.with(1, line.replace('{', '{"hash":"00",'))), false);
  assert.is(await isWhole(lines.with(1, line.replace('{', '{"more":null,'))), false);
  assert.equal(await verifyExport([]), { kind: 'header' });
  assert.equal(await verifyExport(['hello']), { kind: 'header' });
});

test('the example of the README, made by another implementation, verifies as it stands there', async () => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
  const lines = /```ndjson\n(.*?)\n```/s.exec(readme)?.[1]?.split('\n') ?? [];
  assert.is(lines.length, 2);
  assert.is(await isWhole(lines), true);
  assert.is(await isWhole(lines.map((line) => line.replaceAll('Kran', 'Cran'))), false);
  assert.is(await isWhole(lines.map((line) => line.replaceAll('192.0.2.7', '192.0.2.8'))), false);
});

test('the heads in a log are found among its other lines', () => {
  const head = { organisation: null, sequence: 3, hash: 'aa' };
  const line = JSON.stringify({ at: '2026-11-22T08:00:00Z', level: 'info', event: 'audit-head', ...head });
  assert.equal(witnessIn(line), head);
  for (const not of ['', 'audit-head', '{"event":"audit-head"}', '{"event":"other","hash":"audit-head"}']) {
    assert.is(witnessIn(not), undefined);
  }
});

test.run();
