// Hostile bytes on a serial line; `npm run fuzz -- link` puts as many there as one likes.
import { Link, type Taken } from '@loadline/sdk/serial-link';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzLink } from './fuzz.ts';

const test = suite('hostile bytes on a serial line');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const bytes = 2_000_000;

test('whatever comes, ends in order hear each other, once and in order, and memory is bounded', () => {
  const run = fuzzLink({ bytes, seed });
  assert.equal(run.faults, [], `LOADLINE_SEED=${seed}`);
  assert.ok(run.bytes >= bytes);
  assert.is(Object.keys(run.attacks).length, 8);
  assert.ok(run.good.came > 500, JSON.stringify(run.good));
  assert.ok(run.good.sessions > 4, JSON.stringify(run.good));
});

test('the control: an end that gives a message out twice is found out', () => {
  class Forgetful extends Link {
    #taken = 0;
    #again: Taken | undefined;
    override take(): Taken | undefined {
      const taken = this.#again ?? super.take();
      const isAgain = this.#again !== undefined;
      this.#again = !isAgain && taken?.kind === 'message' && ++this.#taken % 100 === 0 ? taken : undefined;
      return taken;
    }
  }
  const { faults } = fuzzLink({ bytes: 200_000, seed, newLink: (options) => new Forgetful(options) });
  assert.match(String(faults[0]), 'heard');
});

test.run();
