import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import type { LinkError } from './errors.ts';
import { decodeMessage, encodeMessage } from './message.ts';

const test = suite('messages');

const isRefused = (error: unknown) => (error as LinkError).code === 'link-message-refused';

const key = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((one) => one !== '__proto__');
const { message } = fc.letrec<{ message: unknown }>((tie) => ({
  message: fc.oneof(
    { maxDepth: 6 },
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('message'), { maxLength: 6 }),
    fc.dictionary(key, tie('message'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

test('what goes in comes out', () => {
  fc.assert(
    fc.property(message, (one) => {
      assert.equal(decodeMessage(encodeMessage(one)), one);
    }),
    { numRuns: 500 },
  );
});

test('numbers keep their value whatever CBOR writes them as', () => {
  for (const one of [
    0,
    -1,
    2 ** 31,
    2 ** 32,
    1_795_000_000_000,
    Number.MAX_SAFE_INTEGER,
    -(2 ** 53 - 1),
    0.1,
  ]) {
    assert.ok(Object.is(decodeMessage(encodeMessage(one)), one), String(one));
  }
});

test('lengths and keys take what they need, as any encoder of CBOR writes them', () => {
  const hex = (one: unknown) => Buffer.from(encodeMessage(one)).toString('hex');
  assert.is(hex({ a: 1 }), 'a1616101');
  assert.is(hex({ ok: true, of: [] }), 'a2626f6bf5626f6680');
});

test('a message of a megabyte and what is said about it may go', () => {
  const chunk = { offset: 0, bytes: Buffer.alloc(1024 * 1024, 9) };
  assert.equal(decodeMessage(encodeMessage(chunk)), chunk);
});

test('what the other end would not take is refused before it is sent', () => {
  let deep: unknown = 0;
  for (let depth = 0; depth <= limits.linkMessageDepth; depth++) deep = [deep];
  const circle: unknown[] = [];
  circle.push(circle);
  const cases: Record<string, unknown> = {
    'too long': Buffer.alloc(limits.linkMessageBytes),
    'too many items': Array.from({ length: limits.linkMessageItems }, () => 0),
    'too deep': deep,
    'without end': circle,
    'a date': new Date(0),
    'a set': new Set([1]),
    'an integer that is too large': 2n ** 60n,
    'a key of a prototype': JSON.parse('{"__proto__": 1}'),
  };
  for (const [what, one] of Object.entries(cases)) assert.throws(() => encodeMessage(one), isRefused, what);
});

test('bytes that are no message are refused, and cost no memory', () => {
  const cases: Record<string, string> = {
    nothing: '',
    'a second message behind it': '0101',
    'an array that is said to have four thousand million elements': '9affffffff',
    'one of 2^53 elements': '9b0020000000000000',
    'a byte string longer than the message': '5a40000000',
    'a text of 2^64 - 1 bytes': '7bffffffffffffffff00',
    'a map of 2^32 members': 'baffffffff',
    'arrays in arrays': '81'.repeat(5000),
    'an indefinite array': '9f01ff',
    'an indefinite string': '5f4101ff',
    'a tag: the time of 1970': 'c100',
    'a tag: a big integer': 'c249010000000000000000',
    'a tag: shared structures of cbor-x': 'd9dfff00',
    'a key that stands twice': 'a2616101616102',
    'a key that is a number': 'a10101',
    __proto__: 'a1695f5f70726f746f5f5f01',
    'a text that is not UTF-8': '62c328',
    'reserved lengths': '1c',
    'a simple value that is none': 'f0',
    'half a float': 'fa0000',
    'an integer beyond 2^53': '1b0020000000000000',
  };
  for (const [what, hex] of Object.entries(cases)) {
    assert.throws(() => decodeMessage(Buffer.from(hex, 'hex')), isRefused, what);
  }
});

test('whatever bytes come, they are a message or refused', () => {
  const valid = fc.tuple(message, fc.nat(), fc.nat({ max: 255 })).map(([one, at, byte]) => {
    const bytes = Uint8Array.from(encodeMessage(one));
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(valid, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      try {
        // What is taken can be sent on: both sides judge alike.
        encodeMessage(decodeMessage(bytes));
      } catch (error) {
        assert.ok(isRefused(error), String((error as Error).stack));
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
