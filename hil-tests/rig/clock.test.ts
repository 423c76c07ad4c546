import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realClock, SimulatedClock } from './clock.ts';
import { until } from './until.ts';

const test = suite('clock');

/** What Node warned of from now on. */
function warnings(): string[] {
  const heard: string[] = [];
  process.on('warning', ({ name }) => heard.push(name));
  return heard;
}

test('what was due a moment ago is done at once, and without a warning', async () => {
  const heard = warnings();
  const done: string[] = [];
  realClock.after(-0.001, () => done.push('real'));
  const simulated = new SimulatedClock();
  simulated.after(-5, () => done.push('simulated'));
  await simulated.advance(0);
  await until(() => done.length === 2);
  assert.equal(heard, []);
});

test.run();
