import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Repeats } from './repeats.ts';

const test = suite('what is repeated');

test('a few are said as they come; a flood is one more a minute, with its count and its last', async () => {
  const said: [string, number][] = [];
  const repeats = new Repeats<string>((one, times) => said.push([one, times]), 200);
  for (let index = 0; index < 1000; index++) repeats.happened('command-done', `${index}`);
  repeats.happened('clock-stepped', 'forward');
  assert.equal(said, [...['0', '1', '2', '3', '4'].map((one) => [one, 1]), ['forward', 1]]);
  for (const limit = performance.now() + 20_000; said.length < 7; ) {
    assert.ok(performance.now() < limit, 'the count never came');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(said[6], ['999', 995]);
  repeats.happened('command-done', 'later');
  assert.equal(said[7], ['later', 1]);
  repeats.stop();
  assert.is(said.length, 8);
});

test('what is held at the stop is said', () => {
  const said: [string, number][] = [];
  const repeats = new Repeats<string>((one, times) => said.push([one, times]));
  for (let index = 0; index < 8; index++) repeats.happened('notice', `${index}`);
  repeats.stop();
  assert.equal(said.at(-1), ['7', 3]);
});

test.run();
