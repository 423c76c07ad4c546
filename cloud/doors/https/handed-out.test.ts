import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HandedOut } from './handed-out.ts';
import { Problem } from './problem.ts';

const mebibyte = 1024 * 1024;
const daySeconds = 86_400;

function refusal(work: () => unknown): [string, number | undefined] | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.code, error.retryAfterSeconds];
  }
}

test('a gateway is sent half a gibibyte a day, and what it took too much is waited off', () => {
  let now = 0;
  const handedOut = new HandedOut(() => now);
  for (let taken = 0; taken < 512; taken += 32) handedOut.begin('mast')(32 * mebibyte);
  const [code, seconds = 0] = refusal(() => handedOut.begin('mast')) ?? [];
  assert.is(code, 'quota-exceeded');
  now += seconds * 1000;
  handedOut.begin('mast')(256 * mebibyte);
  // It lends: a file that has begun is sent whole.
  const [, half = 0] = refusal(() => handedOut.begin('mast')) ?? [];
  assert.ok(Math.abs(half - daySeconds / 2) < 60, `${half} s`);
  now += half * 1000;
  assert.is(
    refusal(() => handedOut.begin('mast')),
    undefined,
  );
});

test('no gateway waits for what another took', () => {
  const handedOut = new HandedOut(() => 0);
  handedOut.begin('mast')(513 * mebibyte);
  assert.is(refusal(() => handedOut.begin('mast'))?.[0], 'quota-exceeded');
  assert.is(
    refusal(() => handedOut.begin('crane')),
    undefined,
  );
});

test('four files are on their way to a gateway at most, and one that is over makes room', () => {
  const handedOut = new HandedOut(() => 0);
  const [end] = Array.from({ length: 4 }, () => handedOut.begin('mast'));
  assert.equal(
    refusal(() => handedOut.begin('mast')),
    ['rate-limited', 1],
  );
  end?.(0);
  assert.is(
    refusal(() => handedOut.begin('mast')),
    undefined,
  );
  assert.equal(
    refusal(() => handedOut.begin('mast')),
    ['rate-limited', 1],
  );
});

test.run();
