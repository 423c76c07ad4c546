import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Stall } from './stall.ts';

function stalling() {
  const clock = { now: 0 };
  const stall = new Stall(() => clock.now);
  return (now: number, untaken: number | undefined) => {
    clock.now = now;
    return stall.isOver(untaken);
  };
}

test('who is behind and takes nothing for half a minute is given up', () => {
  const look = stalling();
  assert.equal(
    [look(0, 300), look(29_000, 300), look(30_000, 300), look(30_001, 300)],
    [false, false, false, true],
  );
});

test('whoever takes a little, or is not behind in between, is not', () => {
  const look = stalling();
  assert.equal(
    [look(0, 300), look(29_000, 299), look(58_000, 299), look(59_001, 299)],
    [false, false, false, true],
  );
  const again = stalling();
  assert.equal(
    [again(0, 300), again(20_000, undefined), again(40_000, 300), again(70_000, 300)],
    [...[false, false, false, false]],
  );
});

test.run();
