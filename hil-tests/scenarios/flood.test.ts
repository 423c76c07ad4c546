// A line that is full, and one fuller than any: nothing is lost, and the gateway's memory stays what it was.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SerialLine } from '../rig/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('flood');

/** A second of a full 115200 line, in frames. */
const perSecond = Math.floor(115_200 / 10 / counterFrame(0x3a10, 0).length);
const seconds = 3;
/** Ten lines' worth, as fast as the port takes it. */
const beyond = 30 * perSecond;
/** Bytes that a gateway's process may take under any load, and by how much it may grow when the line is fuller than full. */
const bound = 200 * 1024 * 1024;
const growth = 48 * 1024 * 1024;

let site: Site;
let sent = 0;
/** What the process took at a full line. */
let atFullLine = Number.NaN;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site.close());

function frames(count: number): Buffer {
  const first = sent;
  sent += count;
  return Buffer.concat(countsTo(count).map((index) => counterFrame(0x3a10, first + index)));
}

/** Everything sent is stored, once and in order; how many bytes the gateway's process takes by now. */
async function allStored(): Promise<number> {
  const { stored, duplicate, discardedBytes, rejected, health } = await site.stored(sent);
  assert.equal([stored, duplicate, discardedBytes, rejected], [sent, 0, 0, 0]);
  assert.is(health?.journal.dropped, 0);
  return health?.process.residentBytes ?? Number.NaN;
}

test('a full line for some seconds: every frame is stored', async () => {
  const line = new SerialLine(site.port);
  await line.write(frames(seconds * perSecond));
  atFullLine = await allStored();
  assert.ok(atFullLine < bound, `${atFullLine} bytes`);
});

test('more than any line carries: the port makes it wait, every frame is stored, and memory is bounded', async () => {
  await site.port.write(frames(beyond));
  const resident = await allStored();
  assert.ok(resident < Math.min(bound, atFullLine + growth), `${resident} bytes, and ${atFullLine} before`);
});

test('all of it in order', () => {
  assert.equal(countsIn(site.readings()), countsTo(sent));
});

test.run();
