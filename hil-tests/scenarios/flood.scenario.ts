// @long
// @time-limit 120 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { stallMilliseconds } from '@loadline/sdk/t24';
import { SerialLine } from '../rig/index.ts';
import { type Site, scenario } from '../scenario/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';

const frameBytes = counterFrame(0x3a10, 0).length;
/** A second of a full 115200 line, in frames. */
const perSecond = Math.floor(115_200 / 10 / frameBytes);
const seconds = 3;
/** Ten lines' worth, as fast as the port takes it. */
const beyond = 30 * perSecond;
/** Bytes that a gateway's process may take under any load, and by how much it may grow when the line is fuller than full. */
const bound = 200 * 1024 * 1024;
const growth = 48 * 1024 * 1024;

/** Frames that are sent as fast as anything takes them, and whether this machine let that happen. */
class Flood {
  readonly #site: Site;
  sent = 0;
  /** How often this process did not run for about as long as a gateway waits for the rest of a frame. */
  heldUp = 0;
  readonly #watch: NodeJS.Timeout;

  constructor(site: Site) {
    this.#site = site;
    let ranAt = performance.now();
    this.#watch = setInterval(() => {
      const now = performance.now();
      if (now - ranAt > stallMilliseconds * 0.8) this.heldUp++;
      ranAt = now;
    }, 20).unref();
  }

  frames(count: number): Buffer {
    const first = this.sent;
    this.sent += count;
    return Buffer.concat(countsTo(count).map((index) => counterFrame(0x3a10, first + index)));
  }

  /**
   * Everything sent is stored, once; how many bytes the gateway's process takes by now. Where the system did not let this process
   * run in the middle of a frame, a gateway is right to give that frame up, and to say so.
   */
  async allStored(): Promise<number> {
    const bytes = this.sent * frameBytes;
    const { stored, duplicate, discardedBytes, rejected, frames, health } =
      await this.#site.cloud.accountWhere(
        'every byte that was sent is accounted for',
        (run, { ports, readings, journal }) =>
          ports[0]?.bytes === bytes &&
          ports[0].heldBytes === 0 &&
          run.stored === readings &&
          journal.held === 0,
      );
    const lost = discardedBytes / frameBytes;
    ok(
      lost <= this.heldUp,
      `${discardedBytes} bytes given up, and this process was held up ${this.heldUp} times`,
    );
    deepEqual([frames, stored, duplicate, rejected], [this.sent - lost, this.sent - lost, 0, 0]);
    equal(health?.journal.dropped, 0);
    return health.process.residentBytes;
  }

  end(): void {
    clearInterval(this.#watch);
  }
}

export default scenario({
  about:
    'A line is full, and then fuller than any: nothing is lost, and the gateway’s memory stays what it was.',
  needs: ['simulated-radio'],
  timeLimitMs: 120_000,
  async play({ given, when, then, bench }) {
    const site = await given('a gateway', () => bench.site());
    const { radio, cloud } = site;
    const flood = new Flood(site);

    await when('its line is full for some seconds', () =>
      new SerialLine(radio).write(flood.frames(seconds * perSecond)),
    );
    const full = await then('every frame is stored, and memory is bounded', async () => {
      const resident = await flood.allStored();
      ok(resident < bound, `${resident} bytes`);
      return resident;
    });

    await when('more comes than any line carries', () => radio.write(flood.frames(beyond)));
    await then('the port makes it wait, every frame is stored, and memory stays', async () => {
      const resident = await flood.allStored();
      ok(resident < Math.min(bound, full + growth), `${resident} bytes, and ${full} before`);
    });
    await then('all of it is in order', () => {
      flood.end();
      const { sent, heldUp } = flood;
      const counts = countsIn(cloud.readings());
      ok(counts.length >= sent - heldUp, `${counts.length} of ${sent}, held up ${heldUp} times`);
      const isStored = new Set(counts);
      deepEqual(
        counts,
        countsTo(sent).filter((count) => isStored.has(count)),
      );
    });
  },
});
