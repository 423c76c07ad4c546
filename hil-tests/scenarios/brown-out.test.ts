// @long
// A supply that dips: frames cut in the middle, rubbish, flipped bits, an adapter gone for 100 ms; what came whole is stored.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SpoiledLine } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { counterFrame, countsIn } from './counter.ts';
import { elapsed, Site } from './site.ts';

const test = suite('brown-out');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const random = new SeededRandom(seed);
const frame = (value: number) => counterFrame(0x3a10, value);

let site: Site;
let line: SpoiledLine;
let next = 0;
/** Values whose frames passed as they were: exactly these are to be in the store. */
const whole: number[] = [];

test.before(async () => {
  site = await Site.open();
  line = new SpoiledLine(site.port, { seed });
});

test.after(() => site.close());

/** Sends a frame, and takes note of whether the line has left it alone. */
async function send(): Promise<void> {
  const before = line.counts;
  await line.write(frame(next));
  const { flipped, lost } = line.counts;
  if (flipped === before.flipped && lost === before.lost) whole.push(next);
  next += 1;
}

async function assertWholeOnesStored(): Promise<void> {
  const { duplicate, rejected } = await site.stored(whole.length);
  assert.equal([duplicate, rejected], [0, 0]);
  assert.equal(countsIn(site.readings()), whole);
}

test('a frame cut by a dip, with rubbish behind it: the next whole frame is delivered', async () => {
  await send();
  for (let dip = 0; dip < 20; dip++) {
    line.brownOut({
      afterBytes: random.integer(0, 15),
      lostBytes: random.integer(1, 40),
      garbageBytes: random.integer(0, 60),
    });
    for (let each = 0; each < 5; each++) await send();
  }
  assert.ok(whole.length < next, 'some were cut');
  await assertWholeOnesStored();
  const { health } = await site.stored(whole.length);
  const { passed, garbage } = line.counts;
  const [ledger] = health?.ports ?? [];
  assert.is(ledger?.bytes, passed + garbage);
  assert.is(ledger?.frameBytes, whole.length * frame(0).length);
});

test('with flipped bits, those frames fail their check, and all others are delivered', async () => {
  const before = whole.length;
  line.flipBits(0.01);
  for (let each = 0; each < 300; each++) await send();
  line.flipBits(0);
  await send();
  const passed = whole.length - before;
  assert.ok(passed > 100 && passed < 301, `${passed} of 301 whole`);
  await assertWholeOnesStored();
});

test('the adapter goes and is back within 100 ms, in the middle of a frame: half and rest are not joined', async () => {
  const before = await site.stored(whole.length);
  for (let round = 1; round <= 3; round++) {
    const cut = frame(next++);
    await site.port.write(cut.subarray(0, 9));
    // Heard, and waiting for its rest.
    await site.port.drained();
    await site.port.unplug();
    await elapsed(60);
    await site.port.replug();
    await site.said('port-open', round + 1);
    // A line that comes back in the middle of a frame: the rest of one that began before.
    await site.port.write(cut.subarray(9));
    await send();
    await assertWholeOnesStored();
  }
  assert.is(site.gateway.log.filter(({ event }) => event === 'port-lost').length, 3);
  const { health } = await site.accountWhere('nothing is held', (_, { ports }) => ports[0]?.heldBytes === 0);
  const [was, is] = [before.health, health].map((account) => account?.ports[0]?.discardedBytes ?? Number.NaN);
  assert.is((is ?? 0) - (was ?? 0), 3 * frame(0).length, 'halves and rests are discarded');
});

test.run();
