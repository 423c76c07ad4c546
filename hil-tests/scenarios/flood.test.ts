// @long
// A line that is full, and one fuller than any: nothing is lost, and the gateway's memory stays what it was.
import { stallMilliseconds } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SerialLine } from '../rig/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('flood');

const frameBytes = counterFrame(0x3a10, 0).length;
/** A second of a full 115200 line, in frames. */
const perSecond = Math.floor(115_200 / 10 / frameBytes);
const seconds = 3;
/** Ten lines' worth, as fast as the port takes it. */
const beyond = 30 * perSecond;
/** Bytes that a gateway's process may take under any load, and by how much it may grow when the line is fuller than full. */
const bound = 200 * 1024 * 1024;
const growth = 48 * 1024 * 1024;

let site: Site;
let sent = 0;
/** How often this test did not run for about as long as a gateway waits for the rest of a frame. */
let heldUp = 0;
let ranAt = performance.now();
const watch = setInterval(() => {
  const now = performance.now();
  if (now - ranAt > stallMilliseconds * 0.8) heldUp++;
  ranAt = now;
}, 20);
/** What the process took at a full line. */
let atFullLine = Number.NaN;

test.before(async () => {
  site = await Site.open();
});

test.after(async () => {
  clearInterval(watch);
  await site.close();
});

function frames(count: number): Buffer {
  const first = sent;
  sent += count;
  return Buffer.concat(countsTo(count).map((index) => counterFrame(0x3a10, first + index)));
}

/**
 * Everything sent is stored, once and in order; how many bytes the gateway's process takes by now. Where the system did
 * not let this test run in the middle of a frame, a gateway is right to give that frame up, and to say so.
 */
async function allStored(): Promise<number> {
  const { stored, duplicate, discardedBytes, rejected, frames, health } = await site.accountWhere(
    'every byte that the kernel took is accounted for',
    (run, { ports, readings, journal }) =>
      ports[0]?.bytes === site.port.bytesWritten &&
      ports[0].heldBytes === 0 &&
      run.stored === readings &&
      journal.held === 0,
  );
  const lost = discardedBytes / frameBytes;
  assert.ok(lost <= heldUp, `${discardedBytes} bytes given up, and this test was held up ${heldUp} times`);
  assert.equal([frames, stored, duplicate, rejected], [sent - lost, sent - lost, 0, 0]);
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
  const counts = countsIn(site.readings());
  assert.ok(counts.length >= sent - heldUp, `${counts.length} of ${sent}, held up ${heldUp} times`);
  const isStored = new Set(counts);
  assert.equal(
    counts,
    countsTo(sent).filter((count) => isStored.has(count)),
  );
});

test.run();
