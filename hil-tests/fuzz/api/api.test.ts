// @long
// Requests in shape and out of it, to every operation of the API; `npm run fuzz:api` sends as many as one likes.
import { operations } from '@loadline/sdk/api';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inhabit } from '../../inhabited/site.ts';
import { type TemporaryCloud, temporaryCloud } from '../../scenarios/temporary-cloud.ts';
import { requests } from './requests.ts';
import { fuzz } from './run.ts';

const test = suite('hostile requests to every operation');

const seed = Number(process.env.LOADLINE_SEED ?? 1);

let temporary: TemporaryCloud;
test.before(async () => {
  temporary = await temporaryCloud();
});
test.after(() => temporary.end());

test('every operation is among them, as somebody and as nobody, and one seed draws the same ones', () => {
  const ids = Object.keys(operations);
  // Nobody sends one of three: that any of all the operations is not drawn for him in so many is less than a chance in a thousand.
  const draw = () => fc.sample(requests({}), { numRuns: 45 * ids.length, seed });
  const drawn = draw();
  const found = new Set(drawn.map(({ operation, who }) => `${operation} ${who}`));
  const wanted = ids.flatMap((id) => [`${id} administrator`, `${id} nobody`]);
  assert.equal(
    wanted.filter((one) => !found.has(one)),
    [],
  );
  assert.equal(JSON.stringify(draw().slice(0, 200)), JSON.stringify(drawn.slice(0, 200)));
});

test('no answer is missing or a 5xx, each refusal is a problem with a known code, and the books are whole after it', async () => {
  const site = await inhabit(temporary.cloud, temporary.state);
  const run = await fuzz(site, { requests: 700, seed });
  site.close();
  assert.equal(run.faults, [], `LOADLINE_SEED=${seed}: ${run.faults[0]}`);
  assert.equal(run.broken, []);
  assert.is(run.requests, 700);
  // They come as far as a handler, and are refused by more than the first look at them.
  for (const status of ['200', '201', '204', '400', '401', '404', '409']) {
    assert.ok((run.statuses[status] ?? 0) > 0, JSON.stringify(run.statuses));
  }
  assert.ok(run.memory.most < run.memory.before + 500, JSON.stringify(run.memory));
  assert.is(temporary.cloud.service.end, undefined, temporary.cloud.service.errors);
  assert.equal(
    temporary.cloud.service.log.filter(({ event }) => event === 'request-failed'),
    [],
  );
});

test.run();
