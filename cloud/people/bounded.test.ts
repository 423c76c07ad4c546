import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Bounded, TooManyWaiting } from './bounded.ts';

/** Tasks that end when they are told to. */
function tasks(bounded: Bounded) {
  const running: { name: string; end: (how?: Error) => void }[] = [];
  const started: string[] = [];
  const start = (name: string) =>
    bounded
      .run(
        () =>
          new Promise<string>((resolve, reject) => {
            started.push(name);
            running.push({ name, end: (how) => (how ? reject(how) : resolve(name)) });
          }),
      )
      .catch((error: Error) => error);
  return { running, started, start };
}

/** Lets everything that is due be done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('never runs more than it may, in the order they came', async () => {
  const { running, started, start } = tasks(new Bounded({ atOnce: 2, mayWait: 10 }));
  const results = ['a', 'b', 'c'].map(start);
  await settled();
  assert.equal(started, ['a', 'b']);
  running.shift()?.end();
  await settled();
  assert.equal(started, ['a', 'b', 'c']);
  results.push(start('d'), start('e'));
  for (let left = 4; left > 0; left -= 1) {
    await settled();
    assert.is(running.length, Math.min(2, left));
    running.shift()?.end();
  }
  assert.equal(await Promise.all(results), ['a', 'b', 'c', 'd', 'e']);
});

test('refuses at once what would wait behind too many, and takes more when there is room', async () => {
  const { running, started, start } = tasks(new Bounded({ atOnce: 1, mayWait: 1 }));
  const [first, second] = [start('a'), start('b')];
  assert.instance(await start('c'), TooManyWaiting);
  running.shift()?.end();
  assert.is(await first, 'a');
  const fourth = start('d');
  running.shift()?.end();
  assert.is(await second, 'b');
  await settled();
  running.shift()?.end();
  assert.is(await fourth, 'd');
  assert.equal(started, ['a', 'b', 'd']);
});

test('a task that fails gives its place up', async () => {
  const { running, start } = tasks(new Bounded({ atOnce: 1, mayWait: 5 }));
  const [failing, next] = [start('a'), start('b')];
  await settled();
  running.shift()?.end(new Error('failed'));
  assert.instance(await failing, Error);
  await settled();
  running.shift()?.end();
  assert.is(await next, 'b');
  const last = start('c');
  await settled();
  running.shift()?.end();
  assert.is(await last, 'c', 'and the count is right afterwards');
});

test.run();
