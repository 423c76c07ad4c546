import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decoded, Decoder, Measurement } from './driver.ts';
import { guarded, maxHeldBytes } from './guard.ts';

const test = suite('a guarded decoder');

const good: Measurement = {
  kind: 'measurement',
  base: 1,
  tag: 1,
  value: { type: 'float64', value: 1 },
  flags: 0,
  status: 0,
  quality: { kind: 'none' },
};

/** A decoder that answers every push with what `answer` makes of it. */
function answering(answer: (chunk: Uint8Array) => unknown, held = 0): () => Decoder {
  return () => ({ held, push: (chunk) => answer(chunk) as Decoded[], stalled: () => [] });
}

const frame = (content: unknown) => answering(({ length }) => [{ kind: 'frame', bytes: length, content }]);

function given(make: () => Decoder): Decoded | undefined {
  return guarded('own', make).push(new Uint8Array(5))[0];
}

test('hands on what is right, untouched', () => {
  assert.equal(given(frame(good)), { kind: 'frame', bytes: 5, content: good });
  const other = { kind: 'other', base: 0, packet: new Uint8Array(3) };
  assert.equal(given(frame(other)), { kind: 'frame', bytes: 5, content: other });
});

for (const [what, make] of [
  [
    'it throws',
    answering(() => {
      throw new Error('out of luck');
    }),
  ],
  ['it returns nothing', answering(() => undefined)],
  ['it returns nonsense', answering(() => [null])],
  ['it loses bytes', answering(() => [])],
  ['it makes bytes', answering(() => [{ kind: 'discarded', bytes: 6, reason: 'x' }])],
  ['it counts backwards', answering(() => [{ kind: 'discarded', bytes: -5, reason: 'x' }])],
  ['it holds no number', answering(() => [], Number.NaN)],
  ['its tag is out of range', frame({ ...good, tag: 0x10000 })],
  ['its base is out of range', frame({ ...good, base: 17 })],
  ['its status is no byte', frame({ ...good, status: 256 })],
  ['its value is no number', frame({ ...good, value: { type: 'float64', value: Number.NaN } })],
  ['its value does not fit its type', frame({ ...good, value: { type: 'uint8', value: 256 } })],
  ['its value is of no type', frame({ ...good, value: { type: 'complex', value: 1 } })],
  ['its value is too long', frame({ ...good, value: { type: 'string', value: 'x'.repeat(65) } })],
  ['its value is missing', frame({ ...good, value: undefined })],
  ['its quality is unknown', frame({ ...good, quality: { kind: 'good' } })],
  ['its quality is over 100 %', frame({ ...good, quality: { kind: 'lqi', percent: 101 } })],
  ['its content is missing', frame(undefined)],
] as const) {
  test(`where ${what}, the bytes are discarded, with the reason`, () => {
    const decoded = given(make);
    assert.ok(decoded?.kind === 'discarded');
    assert.is(decoded.bytes, 5);
    assert.match(decoded.reason, 'driver own failed: ');
  });
}

test('a decoder that failed is replaced by a fresh one, and what it held is accounted for', () => {
  let made = 0;
  const decoder = guarded('own', () => {
    made += 1;
    let held = 0;
    return {
      get held() {
        return held;
      },
      push(chunk) {
        if (chunk.length === 1) throw new Error('one is too few');
        held += chunk.length;
        return [];
      },
      stalled: () => [],
    };
  });
  assert.equal(decoder.push(new Uint8Array(5)), []);
  assert.is(decoder.held, 5);
  assert.is(decoder.failure, undefined);
  assert.is(decoder.push(new Uint8Array(1))[0]?.bytes, 6);
  assert.is(decoder.failure, 'driver own failed: one is too few');
  assert.is(decoder.held, 0);
  assert.equal(decoder.push(new Uint8Array(2)), []);
  assert.is(decoder.held, 2);
  assert.is(made, 2);
});

test('a driver that cannot give a fresh decoder is asked again with the next bytes', () => {
  let made = 0;
  const decoder = guarded('own', () => {
    made += 1;
    if (made === 2) throw new Error('not now');
    return {
      held: 0,
      push: ({ length }) => {
        if (made === 1) throw new Error('out of luck');
        return [{ kind: 'discarded', bytes: length, reason: 'x' }];
      },
      stalled: () => [],
    };
  });
  const reasons = [1, 2, 3].map((length) => {
    const [each] = decoder.push(new Uint8Array(length));
    assert.is(each?.bytes, length);
    return each?.kind === 'discarded' && each.reason;
  });
  assert.equal(reasons, ['driver own failed: out of luck', 'driver own failed: not now', 'x']);
});

test('what an async decoder throws later ends nothing', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const decoded = given(answering(() => Promise.reject(new Error('later'))));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  assert.equal(decoded, {
    kind: 'discarded',
    bytes: 5,
    reason: 'driver own failed: push and stalled must return an array',
  });
  assert.equal(unhandled, []);
});

test('a decoder that keeps all it is given is stopped at the bound', () => {
  const decoder = guarded('own', () => {
    let held = 0;
    return {
      get held() {
        return held;
      },
      push(chunk) {
        held += chunk.length;
        return [];
      },
      stalled: () => [],
    };
  });
  assert.equal(decoder.push(new Uint8Array(maxHeldBytes)), []);
  assert.is(decoder.push(new Uint8Array(1))[0]?.bytes, maxHeldBytes + 1);
  assert.is(decoder.held, 0);
});

test.run();
