import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boardOf, parseBoards } from './kit.ts';
import {
  type LabelContent,
  labelAddress,
  labelForTerminal,
  labelLines,
  labelPng,
  labelSvg,
  labelText,
} from './label.ts';

const test = suite('labels and kits');

const label: LabelContent = {
  gatewayId: 'quay-7',
  name: 'Quay <7> & co',
  serialNumber: '100000008c5e1f2a',
  organisation: { id: 'harbour', name: 'Harbour' },
  cloud: 'https://cloud.example.org:8443',
};

test('says who it is, whose and where, and nothing else', () => {
  assert.equal(labelLines(label), [
    'Quay <7> & co',
    'quay-7',
    'S/N 100000008c5e1f2a',
    'Harbour',
    'cloud.example.org:8443',
  ]);
  assert.is(labelAddress(label), 'https://cloud.example.org:8443/#/o/harbour/devices/quay-7');
  assert.equal(labelLines({ ...label, name: 'quay-7', serialNumber: null }).length, 3);
});

test('is text for a terminal, a picture of the code, and a whole label in which names are only text', async () => {
  const text = await labelText(label);
  assert.ok(text.split('\n').length > 15);
  assert.match(text, /[▀▄█]/);
  const png = await labelPng(label);
  assert.equal([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
  const svg = await labelSvg(label);
  assert.match(svg, 'width="90mm" height="36mm"');
  assert.match(svg, 'Quay &lt;7&gt; &amp; co');
  assert.match(svg, '<path');
  assert.not.match(svg, 'Quay <7>');
});

test('brings its own colours to a terminal', async () => {
  const text = await labelForTerminal(label);
  assert.match(text, '\u001b[');
  assert.ok(text.endsWith('Harbour\ncloud.example.org:8443\n'));
});

test('a name cannot move a terminal’s cursor', async () => {
  assert.not.match(await labelText({ ...label, name: 'a\u001b[2Jb' }), '\u001b');
});

test('boards of a kit are a line each, and what is wrong is told with its line', () => {
  assert.equal(parseBoards('# two\nA1 mast-1 The north mast\n\nB:2 mast-2 # spare\n', 'boards'), [
    { serialNumber: 'A1', gatewayId: 'mast-1', name: 'The north mast' },
    { serialNumber: 'B:2', gatewayId: 'mast-2', name: 'mast-2' },
  ]);
  assert.throws(() => parseBoards('A1 mast-1\nB2\n', 'boards'), /boards:2: after the serial number/);
  assert.throws(() => parseBoards('A1 mast-1\nA1 mast-2\n', 'boards'), /boards:2: .* earlier line/);
  assert.throws(() => parseBoards('A/1 mast-1\n', 'boards'), /boards:1: A\/1 is no serial number/);
  assert.throws(() => parseBoards('# none\n', 'boards'), /names no board/);
  assert.throws(() => parseBoards('A1 Mast\n', 'boards'), /boards:1: Mast is no id/);
});

test('a kit is for its boards, and until it ends', () => {
  const board = {
    serialNumber: 'A1',
    gatewayId: 'mast-1',
    name: 'x',
    voucher: 'AA',
    enrolmentSecret: 's'.repeat(20),
  };
  const kit = {
    version: 1 as const,
    ...{ organisation: 'harbour', authority: '', enrolmentUrl: 'https://c' },
    ...{
      uplink: { host: 'c', port: 8883 },
      prepared: '2026-11-01T00:00:00Z',
      expires: '2026-11-08T00:00:00Z',
    },
    boards: [board],
  };
  const during = Date.parse('2026-11-07T00:00:00Z');
  assert.equal(boardOf(kit, 'A1', during), board);
  assert.throws(() => boardOf(kit, 'B2', during), /nothing for B2: it is for A1/);
  assert.throws(() => boardOf(kit, 'A1', Date.parse('2026-11-09T00:00:00Z')), /good until 2026-11-08/);
});

test.run();
