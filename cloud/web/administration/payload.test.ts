import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readPayload } from './payload.ts';

const test = suite('a payload as it can be looked at');

const read = (content: string | Uint8Array) => readPayload(Buffer.from(content).toString('base64'));

test('text is shown as it came, with its lines, letters of any script, and what looks like HTML', () => {
  const text = '{"temp":\t21,5,\r\n "Größe": "Ж <b>&amp;</b>"}';
  assert.equal(read(text), { kind: 'text', shown: text, left: 0 });
  assert.equal(read(''), { kind: 'text', shown: '', left: 0 });
});

test('what is no UTF-8 is shown as bytes, sixteen a line, what of them is ASCII beside them', () => {
  const bytes = Uint8Array.of(0xff, 0x41, 0x20, ...new Array<number>(14).fill(0x7e));
  assert.equal(read(bytes), {
    kind: 'bytes',
    shown: [
      '0000  ff 41 20 7e 7e 7e 7e 7e 7e 7e 7e 7e 7e 7e 7e 7e  .A.~~~~~~~~~~~~~',
      '0010  7e                                               ~',
    ].join('\n'),
    left: 0,
  });
});

test('text with characters that are not seen, or turn others about, is shown as bytes', () => {
  for (const hidden of [
    '\0',
    '\u001b[2J',
    '\u007f',
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff',
    '\ue000',
    '\u2028',
  ]) {
    assert.is(read(`temp=2${hidden}1`).kind, 'bytes', JSON.stringify(hidden));
  }
});

test('of what is long the beginning is shown, and how much more there is', () => {
  assert.equal(read('x'.repeat(5000)), { kind: 'text', shown: 'x'.repeat(4096), left: 904 });
  const bytes = read(new Uint8Array(4097));
  assert.is(bytes.left, 1);
  assert.is(bytes.shown.split('\n').length, 256);
});

test('a character that the cut goes through is left out, and does not make bytes of text', () => {
  assert.equal(read(`${'x'.repeat(4095)}ßß`), { kind: 'text', shown: 'x'.repeat(4095), left: 3 });
});

test.run();
