import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LateReader } from './reader.ts';

const test = suite('a reader whose thread starts at its first question');

/** Counts how often it was opened and closed; the openings in `failing` fail. */
function opened(failing: readonly number[] = []) {
  const counts = { opened: 0, closed: 0 };
  const close = async () => {
    counts.closed += 1;
  };
  const open = async () => {
    counts.opened += 1;
    if (failing.includes(counts.opened)) throw new Error('no thread to be had');
    return { read: async () => [] as never, close };
  };
  return { counts, reader: new LateReader(open) };
}

test('is not opened for being closed', async () => {
  const { counts, reader } = opened();
  await reader.close();
  assert.equal(counts, { opened: 0, closed: 0 });
});

test('is opened once for questions that are asked together, and closed with them', async () => {
  const { counts, reader } = opened();
  await Promise.all([reader.read('tails', {}), reader.read('tails', {})]);
  await reader.read('tails', {});
  await reader.close();
  assert.equal(counts, { opened: 1, closed: 1 });
});

test('fails the question that its thread did not start for, and tries again with the next', async () => {
  const { counts, reader } = opened([1]);
  const failure = await reader.read('tails', {}).catch((error: Error) => error.message);
  assert.is(failure, 'no thread to be had');
  assert.equal(await reader.read('tails', {}), []);
  assert.is(counts.opened, 2);
});

test('is closed though its thread never started', async () => {
  const { counts, reader } = opened([1]);
  const asked = reader.read('tails', {}).catch((error: Error) => error.message);
  await reader.close();
  assert.is(await asked, 'no thread to be had');
  assert.is(counts.closed, 0);
});

test.run();
