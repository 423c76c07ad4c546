// @long
// @time-limit 150 s
import { deepEqual, match, ok } from 'node:assert/strict';
import { elapsed, scenario } from '../scenario/index.ts';

/** Seconds that the gateway has from its start until a minute of its clock is over. */
const untilTheMinute = 6;

/**
 * Noise is judged by whole minutes of the monotonic clock, which counts from boot. In a time namespace of its own
 * (time_namespaces(7)) the gateway has a boot that was just as long ago as this scenario wants.
 */
function minuteSoon(): readonly string[] {
  const now = Number(process.hrtime.bigint() / 1_000_000_000n);
  const offset = 60 - ((now + untilTheMinute) % 60);
  return ['unshare', '--time', '--monotonic', String(offset)];
}

export default scenario({
  about:
    'A line carries nothing but noise: that is said once, in the log, in the ledger, to the cloud and by the doctor.',
  needs: ['simulated-radio', 'gateway-clock'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given(
      'a gateway whose clock is just before a full minute',
      async () => {
        const site = await bench.site({ gateway: 'prepared' });
        await site.gateway.start(minuteSoon());
        await site.gateway.said('port-open');
        await site.gateway.said('uplink-connected');
        return site;
      },
    );
    await when('noise comes until the minute is over', async () => {
      // It is judged with the first bytes of the next minute, and where all this took too long, of the one after it.
      let done = false;
      const said = gateway.said('port-noisy', { limitMs: 75_000 }).finally(() => {
        done = true;
      });
      said.catch(() => undefined);
      while (!done) {
        await radio.write(new Uint8Array(40).fill(0xff));
        await elapsed(100);
      }
      await said;
    });
    await then('the log says how much of it was no frames', async () => {
      const { detail, subject, level } = await gateway.said('port-noisy');
      deepEqual([subject, level], ['radio', 'warn']);
      match(String(detail), /^\d+ of \d+ bytes of the last minutes on .* were no valid frames$/);
    });
    await then('the ledger says so, and the cloud is told', async () => {
      const { health } = await cloud.accountWhere(
        'trouble',
        (_, { ports }) => ports[0]?.trouble !== undefined,
      );
      match(health?.ports[0]?.trouble ?? '', /most bytes of the last minutes/);
      ok((await cloud.events()).includes('port-noisy radio'));
    });
    await then('the doctor says what to look at', async () => {
      const { code, findings } = await gateway.doctor();
      const found = findings.find(({ about }) => about === 'port-noisy radio');
      match(found?.act ?? '', /check baud rate, cable and ground/);
      ok(code >= 1);
    });
  },
});
