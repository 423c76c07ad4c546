// @long
// @time-limit 150 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { SpoiledLine } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { counterFrame, countsIn } from './counter.ts';

const frame = (value: number) => counterFrame(0x3a10, value);

export default scenario({
  about:
    'The supply dips: frames are cut in the middle, rubbish comes, bits flip, the adapter is gone for 100 ms; what came whole is stored, and nothing else.',
  needs: ['simulated-radio', 'unplug'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench, seed }) {
    const { radio, gateway, cloud } = await given('a gateway on a line whose supply is poor', () =>
      bench.site(),
    );
    const random = new SeededRandom(seed);
    const line = new SpoiledLine(radio, { seed });
    let next = 0;
    /** Values whose frames passed as they were: exactly these are to be in the store. */
    const whole: number[] = [];
    /** Sends a frame, and takes note of whether the line has left it alone. */
    const send = async () => {
      const before = line.counts;
      await line.write(frame(next));
      const { flipped, lost } = line.counts;
      if (flipped === before.flipped && lost === before.lost) whole.push(next);
      next += 1;
    };
    const wholeOnesStored = async () => {
      const { duplicate, rejected } = await cloud.stored(whole.length);
      deepEqual([duplicate, rejected], [0, 0]);
      deepEqual(countsIn(cloud.readings()), whole);
    };

    await when('twenty dips cut frames, with rubbish behind them', async () => {
      await send();
      for (let dip = 0; dip < 20; dip++) {
        line.brownOut({
          afterBytes: random.integer(0, 15),
          lostBytes: random.integer(1, 40),
          garbageBytes: random.integer(0, 60),
        });
        for (let each = 0; each < 5; each++) await send();
      }
    });
    await then('every frame that came whole is stored, and every byte is in the ledger', async () => {
      ok(whole.length < next, 'some were cut');
      await wholeOnesStored();
      const { health } = await cloud.stored(whole.length);
      const { passed, garbage } = line.counts;
      const [ledger] = health?.ports ?? [];
      equal(ledger?.bytes, passed + garbage);
      equal(ledger?.frameBytes, whole.length * frame(0).length);
    });

    const beforeFlips = whole.length;
    await when('one byte of a hundred has a bit the other way', async () => {
      line.flipBits(0.01);
      for (let each = 0; each < 300; each++) await send();
      line.flipBits(0);
      await send();
    });
    await then('those frames fail their check, and all others are delivered', async () => {
      const passed = whole.length - beforeFlips;
      ok(passed > 100 && passed < 301, `${passed} of 301 whole`);
      await wholeOnesStored();
    });

    const before = await cloud.stored(whole.length);
    await when(
      'the adapter goes in the middle of a frame, and is back within 100 ms, three times',
      async () => {
        for (let round = 1; round <= 3; round++) {
          const cut = frame(next++);
          await radio.write(cut.subarray(0, 9));
          // Heard, and waiting for its rest.
          await radio.drained();
          await radio.unplug();
          await elapsed(60);
          await radio.replug();
          await gateway.said('port-open', { times: round + 1 });
          // A line that comes back in the middle of a frame: the rest of one that began before.
          await radio.write(cut.subarray(9));
          await send();
          await wholeOnesStored();
        }
      },
    );
    await then('half and rest are not joined: both are discarded', async () => {
      equal(gateway.log.filter(({ event }) => event === 'port-lost').length, 3);
      const { health } = await cloud.accountWhere(
        'nothing is held',
        (_, { ports }) => ports[0]?.heldBytes === 0,
      );
      const [was, is] = [before.health, health].map((account) => account?.ports[0]?.discardedBytes);
      equal((is ?? Number.NaN) - (was ?? Number.NaN), 3 * frame(0).length);
    });
  },
});
