import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chunkSizes, cut } from '../t24/fixtures/arbitraries.ts';
import { type Decoded, driverNamed } from './index.ts';

const test = suite('lines by a template');
const so = driverNamed('so');
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function measured(template: string, line: string, more: object = {}) {
  const [decoded] = so.open({ template, ...more }).push(ascii(`${line}\r\n`));
  return decoded?.kind === 'frame' && decoded.content.kind === 'measurement' ? decoded.content : undefined;
}

test('a line gives tag, value and quality where the template says', () => {
  assert.equal(measured('{tag},{value},{lqi}', '25df,-12.50,87'), {
    kind: 'measurement',
    base: 0,
    tag: 0x25df,
    value: { type: 'float64', value: -12.5 },
    flags: 0,
    status: 0,
    quality: { kind: 'lqi', percent: 87 },
  });
});

test('text around the fields, braces, filled columns and fields nobody wants are read over', () => {
  assert.is(measured('NET {value} kg [{tag}]', 'NET    12.5 kg [25DF]')?.value.type, 'float64');
  assert.is(measured('{{{tag}}}={value}', '{25DF}=  7')?.tag, 0x25df);
  assert.is(measured('{skip};{tag};{value};{skip}', '22/11/2026;25DF;3  ;t/m;x')?.tag, 0x25df);
  assert.not(measured('NET {value} kg [{tag}]', 'NET 12.5 lb [25DF]'));
});

test('battery and error become the bits that a frame has, RSSI and correlation its raw bytes', () => {
  const found = measured('{tag} {value} {rssi} {cv} {battery};{error}', '25DF 1 -50 104 1;1');
  assert.equal(found?.quality, { kind: 'radio', rssi: 0xfb, cv: 104 });
  assert.equal([found?.flags, found?.status], [0x40, 0x02]);
});

test('lines of one transmitter need no tag of their own', () => {
  assert.is(measured('{value}', ' 1.25', { tag: '25DF' })?.tag, 0x25df);
});

for (const line of [
  '25DF,1.5',
  '25DF,1.5,101',
  '25DF,1.2.3,5',
  '5DF,1,5',
  '25DF,,5',
  '25DF,1,5,',
  'x25DF,1,5',
  '25DF,1e400,5',
]) {
  test(`${line} does not fit, and its bytes are discarded`, () => {
    const decoded = so.open({ template: '{tag},{value},{lqi}' }).push(ascii(`${line}\r\n`));
    assert.equal(decoded, [{ kind: 'discarded', bytes: line.length + 2, reason: 'notALine' }]);
  });
}

for (const [options, message] of [
  [{}, 'options.template must be text'],
  [{ template: '{tag},{vlaue}' }, 'options.template has the unknown field {vlaue}'],
  [{ template: '{tag},{value' }, 'options.template has a { without its }'],
  [{ template: '{tag},{value}}' }, 'options.template has a } without its {'],
  [{ template: '{tag}' }, 'options.template has no {value}'],
  [{ template: '{value}' }, 'options.template has no {tag}'],
  [{ template: '{tag},{value}', tag: '25DF' }, 'options.template has {tag}, and options.tag says one too'],
  [{ template: '{tag},{value},{value}' }, 'options.template has {value} twice'],
  [{ template: '{tag}{value}' }, 'options.template has nothing between {tag} and {value}'],
  [{ template: '{tag}F{value}' }, 'options.template cannot tell where {tag} ends'],
  [{ template: '{value}.{tag}' }, 'options.template cannot tell where {value} ends'],
  [{ template: '{tag},{value},{rssi}' }, 'options.template has one of {rssi} and {cv}'],
  [{ template: '{tag}€{value}' }, 'options.template has the character €'],
  [{ template: '{value}', tag: '5DF' }, 'options.tag must be four hex digits'],
  [{ template: '{tag},{value}', ending: '' }, 'options.ending must be text of 1 to 4'],
  [{ template: '{tag},{value}', max_bytes: 4 }, 'options.max_bytes must be a whole number from 8 to 1024'],
  [{ template: '{tag},{value}', max_byte: 40 }, 'options.max_byte is not an option'],
  [{ template: '{tag},{constructor}' }, 'options.template has the unknown field {constructor}'],
] as const) {
  test(`${JSON.stringify(options)} is refused by the name of its key`, () => {
    assert.throws(
      () => so.open(options),
      (error: Error) => error.message.startsWith(message) || assert.is(error.message, message),
    );
  });
}

test('a line without end is dropped up to the next ending, and the line behind it is read', () => {
  const decoder = so.open({ template: '{tag},{value}', ending: ';\n', max_bytes: 16 });
  const found: Decoded[] = [];
  for (const byte of ascii(`${'x'.repeat(1000)};\n25DF,1;\n`)) {
    found.push(...decoder.push(Uint8Array.of(byte)));
    assert.ok(decoder.held < 16);
  }
  assert.equal(
    found.filter(({ kind }) => kind === 'frame').map(({ bytes }) => bytes),
    [8],
  );
  assert.is(
    found.reduce((sum, { bytes }) => sum + bytes, 0),
    1010,
  );
});

test('an ending that lies across the end of a line too long is found', () => {
  for (let length = 10; length < 40; length++) {
    const decoder = so.open({ template: '{tag},{value}', ending: '\r\n', max_bytes: 16 });
    const decoded = decoder.push(ascii(`${'x'.repeat(length)}\r\n25DF,1\r\n`));
    assert.is(decoded.at(-1)?.kind, 'frame', `${length} characters`);
  }
});

test('time follows the length of a line and nothing else, whatever the line', () => {
  // A pattern with two ways to match would need 2^1000 steps for these.
  const decoder = so.open({ template: '{skip},{skip},{skip},{tag},{value}', max_bytes: 1024 });
  for (const hostile of [
    ','.repeat(1000),
    '1'.repeat(1000),
    ' '.repeat(1000),
    ' ,'.repeat(500),
    '+-.'.repeat(333),
  ]) {
    assert.is(decoder.push(ascii(`${hostile}\r\n`))[0]?.kind, 'discarded');
  }
});

test('every line written by the template is read as what it was, in any split', () => {
  const line = fc.record({
    tag: fc.integer({ min: 0, max: 0xffff }),
    value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value.toFixed(3)),
    lqi: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(fc.array(line), chunkSizes, (lines, sizes) => {
      const text = lines
        .map(
          ({ tag, value, lqi }) => `<${tag.toString(16).padStart(4, '0')}> ${value.padStart(12)} ${lqi}%\n`,
        )
        .join('');
      const decoder = so.open({ template: '<{tag}> {value} {lqi}%', ending: '\n' });
      const found = cut(ascii(text), sizes).flatMap((chunk) => decoder.push(chunk));
      assert.equal(
        found.map((each) =>
          each.kind === 'frame' && each.content.kind === 'measurement'
            ? [each.content.tag, each.content.value, each.content.quality]
            : each,
        ),
        lines.map(({ tag, value, lqi }) => [
          tag,
          { type: 'float64', value: Number(value) },
          { kind: 'lqi', percent: lqi },
        ]),
      );
    }),
  );
});

test.run();
