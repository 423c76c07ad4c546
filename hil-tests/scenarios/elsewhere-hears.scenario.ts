// @long
// @time-limit 150 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { lace, SpoiledLine } from '../rig/index.ts';
import { type HeardTag, scenario } from '../scenario/index.ts';
import { counterFrame, countsTo } from './counter.ts';

const tag = 0x3a10;
const of = (heard: readonly HeardTag[]) => heard.find((one) => one.tag === '3A10');

export default scenario({
  about:
    'A gateway elsewhere hears every frame that comes whole on its radio line, once, with its value and its signal; amid noise too, and none that came damaged.',
  needs: ['console', 'console-owner', 'simulated-radio'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench, seed }) {
    const gateway = await given('a gateway elsewhere that says what it hears', async () => {
      const found = await bench.console();
      // One that works takes a tag nobody configured for real only after it was seen a few times.
      await found.listen();
      await found.radio.write(Buffer.concat(countsTo(20).map((value) => counterFrame(tag, value))));
      await found.heardWhere('the tag', (heard) => of(heard) !== undefined);
      await found.listen();
      return found;
    });

    const clean = 200;
    await when('200 frames come', () =>
      gateway.radio.write(Buffer.concat(countsTo(clean).map((value) => counterFrame(tag, value)))),
    );
    await then('it has heard 200, the last value, from base station 1, at -50 dB', async () => {
      const heard = of(await gateway.heardWhere('200 frames', (all) => (of(all)?.frames ?? 0) >= clean));
      deepEqual(
        [heard?.frames, heard?.value, heard?.base, heard?.rssi, heard?.lowBattery],
        [clean, String(clean - 1), 1, -50, false],
      );
    });

    const amidNoise = 100;
    await when('100 frames come with noise before and behind each', () => {
      const frames = Buffer.concat(countsTo(amidNoise).map((value) => counterFrame(tag, 1000 + value)));
      return gateway.radio.write(lace(frames, { seed, leastBytes: 20, mostBytes: 60 }).bytes);
    });
    await then('it has heard those 100 too, and no tag that nobody sent', async () => {
      const all = await gateway.heardWhere(
        '300 frames',
        (heard) => (of(heard)?.frames ?? 0) >= clean + amidNoise,
      );
      equal(of(all)?.frames, clean + amidNoise);
      deepEqual(strangersOn(of(all)?.port, all), []);
    });

    let whole = clean + amidNoise;
    await when('300 frames come of whose bytes one in two hundred has a bit the other way', async () => {
      const line = new SpoiledLine(gateway.radio, { seed });
      line.flipBits(0.005);
      for (const value of countsTo(300)) {
        const { flipped } = line.counts;
        await line.write(counterFrame(tag, 2000 + value));
        if (line.counts.flipped === flipped) whole += 1;
      }
      ok(whole < clean + amidNoise + 300, 'some were damaged');
      line.flipBits(0);
      await line.write(counterFrame(tag, 9999));
      whole += 1;
    });
    await then('it has heard exactly those that came whole', async () => {
      const all = await gateway.heardWhere('the last one', (heard) => of(heard)?.value === '9999');
      deepEqual([of(all)?.frames, of(all)?.value], [whole, '9999']);
    });
  },
});

/** Tags that were heard on the line that only the scenario sends on, and that it did not send. */
function strangersOn(port: string | undefined, all: readonly HeardTag[]): string[] {
  return all.filter((one) => one.port === port && one.tag !== '3A10').map((one) => one.tag);
}
