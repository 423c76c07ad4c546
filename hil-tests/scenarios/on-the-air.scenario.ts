// @long
// @time-limit 240 s
import { equal, ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import {
  loadTransmitter,
  temperatureTransmitter,
  until,
  VirtualBaseStation,
  VirtualRadio,
  windTransmitter,
} from '../rig/index.ts';
import { assertBalanced, elapsed, scenario } from '../scenario/index.ts';

/** Milliseconds that real transmitters have: some send every few seconds. */
const patienceMs = 60_000;
const enough = 10;

export default scenario({
  about:
    'Whatever is on the air, real or simulated, while cloud and gateway are killed: what was journalled is stored once and in order, and every byte heard is accounted for.',
  needs: ['kill-gateway', 'kill-cloud'],
  timeLimitMs: 240_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('a gateway whose base station hears transmitters', () =>
      bench.site(),
    );
    const simulated = bench.lacks('simulated-radio') === undefined;
    const air = [
      windTransmitter({ tag: 0x25df, intervalMs: 200 }),
      loadTransmitter({ tag: 0x1a2b, intervalMs: 100 }),
      temperatureTransmitter({ tag: 0x7c01, intervalMs: 500 }),
    ];
    const virtual = simulated ? new VirtualRadio(new VirtualBaseStation(radio), air) : undefined;
    virtual?.start();
    try {
      const before = await then(
        'readings are stored, every byte that was heard is in the account, and nearly all are frames',
        async () => {
          const { health, stored } = await cloud.accountWhere(
            'some readings',
            ({ stored }, { readings }) => stored >= enough && readings >= enough,
            patienceMs,
          );
          if (health) assertBalanced(health);
          const [{ bytes = 0, frameBytes = 0 } = {}] = health?.ports ?? [];
          ok(frameBytes > 0.9 * bytes, `${frameBytes} of ${bytes} bytes are frames`);
          return stored;
        },
      );

      const first = await gateway.epoch();
      await when('the cloud is killed, stays away for five seconds, and comes back', async () => {
        await cloud.kill();
        await elapsed(5000);
        await cloud.start();
      });
      await then('what came meanwhile is stored, once, with what comes now', async () => {
        // What the gateway had counted when it last gave account is all stored by now; others came since.
        const { rejected } = await cloud.accountWhere(
          'all that the gateway counts is stored',
          ({ stored }, { readings }) => readings >= before + enough && stored >= readings,
          patienceMs,
        );
        equal(rejected, 0);
      });

      await when('the gateway is killed, and started again', async () => {
        await gateway.kill();
        await gateway.start();
        await gateway.said('port-open');
      });
      await then('its new run delivers too', () =>
        cloud.accountWhere('some readings of the new run', ({ stored }) => stored >= enough, patienceMs),
      );
      await then('of both runs each number is there once, and none is missing', async () => {
        const runs = [first, await gateway.epoch()].sort();
        // What waited goes behind what is heard now, so a gap may yet be closed.
        await until(
          async () => {
            const [{ epochs }] = await Promise.all([
              cloud.organisation.getLedger({ device: gateway.id }),
              elapsed(100),
            ]);
            const known = epochs.map(({ epoch }) => epoch).sort();
            return isDeepStrictEqual(known, runs) && epochs.every(({ gaps }) => gaps.length === 0);
          },
          { limitMs: patienceMs, what: 'both runs are known, without a gap' },
        );
        const numbers = cloud.readings().map(({ epoch, number }) => `${epoch} ${number}`);
        equal(new Set(numbers).size, numbers.length);
      });
    } finally {
      virtual?.stop();
    }
  },
});
