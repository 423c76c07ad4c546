import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { awakeMilliseconds } from './awake.ts';

const test = suite('the clock of what is promised within seconds');

test('stands still while the machine gives no processor', () => {
  const before = awakeMilliseconds();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  const counted = awakeMilliseconds() - before;
  assert.ok(counted <= 100, `${counted} ms`);
});

test('goes on otherwise, and never faster than time', async () => {
  const [before, began] = [awakeMilliseconds(), performance.now()];
  await until(() => awakeMilliseconds() - before >= 300);
  const counted = awakeMilliseconds() - before;
  assert.ok(counted <= performance.now() - began);
});

test.run();
