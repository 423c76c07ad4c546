import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Turns } from './turns.ts';

/** Turns on a clock that moves only as tasks say how long they took; `log` has what was done. */
function simulated() {
  let now = 0;
  const log: string[] = [];
  const turns = new Turns(() => now);
  const run = (device: string, name: string, milliseconds: number) => {
    turns.run(device, () => {
      now += milliseconds;
      log.push(device + name);
    });
  };
  return { log, run };
}

test('work is done at once while there is time in the turn', () => {
  const { log, run } = simulated();
  run('a', '1', 1);
  run('a', '2', 1);
  assert.equal(log, ['a1', 'a2']);
});

test('what one device sends in bulk waits for its turns, and lets another through', async () => {
  const { log, run } = simulated();
  for (let index = 0; index < 8; index++) run('bulk', String(index), 5);
  run('small', '0', 1);
  assert.equal(log, ['bulk0']);
  await nextTurn();
  await nextTurn();
  await nextTurn();
  assert.ok(log.indexOf('small0') <= 2, log.join(' '));
});

test('the order of each device is kept, and everything is done', async () => {
  const { log, run } = simulated();
  for (let index = 0; index < 30; index++) run(index % 3 === 0 ? 'a' : 'b', String(index), 3);
  for (let turn = 0; turn < 60; turn++) await nextTurn();
  for (const device of ['a', 'b']) {
    const numbers = log.filter((one) => one.startsWith(device)).map((one) => Number(one.slice(1)));
    assert.equal(
      numbers,
      [...numbers].sort((x, y) => x - y),
    );
  }
  assert.is(log.length, 30);
});

test.run();
