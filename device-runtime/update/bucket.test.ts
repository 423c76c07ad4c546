import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bucket } from './bucket.ts';

const test = suite('token bucket');

test('lets no more through than its rate, however the bytes come', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 1e6 }),
      fc.array(
        fc.record({ bytes: fc.integer({ min: 1, max: 65_536 }), idle: fc.integer({ min: 0, max: 5000 }) }),
        {
          minLength: 1,
          maxLength: 50,
        },
      ),
      (rate, takes) => {
        let now = 0;
        let all = 0;
        const bucket = new Bucket(() => now);
        for (const take of takes) {
          now += take.idle;
          const wait = bucket.take(take.bytes, rate);
          all += take.bytes;
          now += wait;
          assert.ok(all <= (now * rate) / 1000 + 1e-6, `${all} bytes within ${now} ms at ${rate}`);
        }
      },
    ),
  );
});

test('makes nothing wait where no rate is said, and remembers no debt from before', () => {
  let now = 0;
  const bucket = new Bucket(() => now);
  assert.is(bucket.take(10_000, 1000), 10_000);
  assert.is(bucket.take(1e9, undefined), 0);
  now += 1;
  assert.is(bucket.take(1001, 1000), 1000);
});

test('does not make up for a pause by a burst of more than a second', () => {
  let now = 0;
  const bucket = new Bucket(() => now);
  now += 3_600_000;
  assert.is(bucket.take(1000, 1000), 0);
  assert.is(bucket.take(1000, 1000), 1000);
});

test.run();
