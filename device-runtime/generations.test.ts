import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from './downlink/test-desired.ts';
import { Generations } from './generations.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const answer = (counter: number, id = String(counter).repeat(32)) =>
  JSON.stringify({ version: 1, sent: 1, wall: 2, generation: { id, counter } });

const test = suite<{ state: string; told: string[]; begin: () => Promise<Generations> }>(
  'generations of the cloud',
);

test.before.each((context) => {
  const state = mkdtempSync(join(tmpdir(), 'loadline-generations-'));
  const told: string[] = [];
  Object.assign(context, {
    state,
    told,
    begin: async () => {
      const generations = new Generations({ state, log: silent, onRestored: (detail) => told.push(detail) });
      await generations.open();
      return generations;
    },
  });
});
test.after.each(({ state }) => rmSync(state, { recursive: true }));

const keptAt = (state: string, counter: number) =>
  until(() => {
    try {
      return JSON.parse(readFileSync(join(state, 'generation.json'), 'utf8')).counter === counter;
    } catch {
      return false;
    }
  });

test('the first one is remembered, the same again says nothing, another one is told, also after a restart', async ({
  state,
  told,
  begin,
}) => {
  const first = await begin();
  first.answered(answer(1));
  first.answered(answer(1));
  assert.equal(told, []);
  await keptAt(state, 1);
  const second = await begin();
  second.answered(answer(1));
  assert.equal(told, []);
  second.answered(answer(2));
  assert.equal(told, ['generation 2 of the cloud, after 1']);
  await keptAt(state, 2);
});

test('two copies of one backup are two generations, though they count alike', async ({ told, begin }) => {
  const generations = await begin();
  generations.answered(answer(2, 'a'.repeat(32)));
  generations.answered(answer(2, 'b'.repeat(32)));
  assert.is(told.length, 1);
});

test('an older cloud, and what is no answer, change nothing; a broken file is as none', async ({
  state,
  told,
  begin,
}) => {
  writeFileSync(join(state, 'generation.json'), '{');
  const generations = await begin();
  generations.answered(answer(1));
  generations.answered(JSON.stringify({ version: 1, sent: 1, wall: 2 }));
  generations.answered('{');
  generations.answered(answer(2, 'no generation'));
  assert.equal(told, []);
});

test.run();
