// @long
// @time-limit 240 s
import { deepEqual, equal } from 'node:assert/strict';
import { SerialLine } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';

const kills = 5;
/** Four times as fast as a T24 line: 2880 frames a second. */
const baud = 460_800;
const framesAtOnce = 32;

export default scenario({
  about:
    'The cloud is killed again and again under a gateway at a full line: what was acknowledged is there, and nothing twice.',
  needs: ['simulated-radio', 'kill-cloud'],
  timeLimitMs: 240_000,
  async play({ given, when, then, bench, seed }) {
    const { radio, gateway, cloud } = await given('a gateway whose line is never silent', () =>
      bench.site({ sections: { sensors: [{ tag: '25DF', name: 'Counter', unit: '', simulated: true }] } }),
    );
    const silence = new AbortController();
    let sent = 0;
    const sending = (async () => {
      const line = new SerialLine(radio, { speed: { kind: 'paced', baud } });
      while (!silence.signal.aborted) {
        const frames = countsTo(framesAtOnce).map((index) => counterFrame(0x25df, sent + index));
        await line.write(Buffer.concat(frames));
        sent += framesAtOnce;
      }
    })();

    await when(
      `the cloud is killed ${kills} times, each a moment after the gateway has connected`,
      async () => {
        const random = new SeededRandom(seed);
        for (let kill = 1; kill <= kills; kill++) {
          await gateway.said('uplink-connected', { times: kill, limitMs: 60_000 });
          await elapsed(random.integer(5, 250));
          await cloud.kill();
          await cloud.start();
        }
        await gateway.said('uplink-connected', { times: kills + 1, limitMs: 60_000 });
        silence.abort();
        await sending;
      },
    );
    const { health, stored } = await then('the gateway holds nothing any more, and says so', () =>
      cloud.accountWhere(
        `none of ${sent} readings is held`,
        (_, { readings, journal }) => readings === sent && journal.held === 0,
        60_000,
      ),
    );
    await then('every reading that was sent is stored once, and nothing that was never sent', () => {
      deepEqual(
        countsIn(cloud.readings()).toSorted((a, b) => a - b),
        countsTo(sent),
      );
    });
    await then('the accounts of gateway and cloud say the same, and balance', async () => {
      equal(health?.frames, sent);
      deepEqual([health.copies, health.suppressed, health.other, health.journal.dropped], [0, 0, 0, 0]);
      const ledger = await cloud.organisation.getLedger({ device: gateway.id });
      const {
        items: [series],
      } = await cloud.organisation.listSeries();
      deepEqual([stored, series?.count, ledger.readings.stored], [sent, sent, sent]);
      for (const { received, stored: kept, duplicate, rejected } of [ledger.readings, ledger.deliveries]) {
        equal(received, kept + duplicate + rejected);
        equal(rejected, 0);
      }
      // Beside the readings, the epoch has its anchors: one before the first, more where a clock was moved.
      deepEqual(
        ledger.epochs.map(({ received, gaps }) => [received.length, gaps.length]),
        [[1, 0]],
      );
    });
  },
});
