// @long
import { deepEqual, equal, ok } from 'node:assert/strict';
import { Rival } from '../rig/index.ts';
import { scenario } from '../scenario/index.ts';
import { counterFrame, countsIn } from './counter.ts';

const sent = 200;
const frameBytes = counterFrame(0x3a10, 0).length;

export default scenario({
  about:
    'Another program reads the port as well, and takes bytes away: it is named in the event, in the ledger and by the doctor.',
  needs: ['simulated-radio', 'hold-port', 'unplug'],
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('a gateway that has not been started', () =>
      bench.site({ gateway: 'prepared' }),
    );
    const rival = await given('a program that reads its port and asks nobody, as a getty does', () =>
      Rival.start(radio.path, 'reads'),
    );
    try {
      await when('the gateway is started', async () => {
        await gateway.start();
        await gateway.said('port-open');
        await gateway.said('uplink-connected');
      });
      const names = (text: string | undefined) =>
        ok(text?.includes('simulated-rival') && text.includes(`pid ${rival.pid}`), text);
      await then('it names the other program, by name and pid, in the event and in the ledger', async () => {
        const { detail, subject, level } = await gateway.said('port-held');
        deepEqual([subject, level], ['radio', 'error']);
        names(String(detail));
        const { health } = await cloud.accountWhere(
          'trouble',
          (_, { ports }) => ports[0]?.trouble !== undefined,
        );
        names(health?.ports[0]?.trouble);
        equal(health?.ports[0]?.open, true);
        ok((await cloud.events()).includes('port-held radio'));
      });
      await then('the doctor names it, and says what to do', async () => {
        const { code, findings } = await gateway.doctor();
        const found = findings.find(({ about }) => about === 'port-held radio');
        ok(found !== undefined);
        ok(found.says.includes(`pid ${rival.pid}`), found.says);
        ok(found.act.includes('stop the program that is named'), found.act);
        equal(code, 2);
      });

      await when('frames come, of which the other takes its part', async () => {
        for (let value = 0; value < sent; value++) await radio.write(counterFrame(0x3a10, value));
        await radio.drained();
      });
      await then('what it takes is missing, and what the gateway got is accounted for', async () => {
        const { stored, health } = await cloud.accountWhere(
          'every byte is somewhere',
          (run, { ports, readings }) =>
            (ports[0]?.bytes ?? 0) + rival.bytesTaken === sent * frameBytes &&
            ports[0]?.heldBytes === 0 &&
            run.stored === readings,
        );
        equal((health?.ports[0]?.frameBytes ?? 0) / frameBytes, stored);
        const counts = countsIn(cloud.readings());
        deepEqual(
          counts,
          counts.toSorted((a, b) => a - b),
        );
        equal(new Set(counts).size, stored);
      });
    } finally {
      await rival.stop();
    }

    const before = countsIn(cloud.readings()).length;
    await when('the other has been stopped, and the adapter is unplugged and plugged in again', async () => {
      await radio.unplug();
      await gateway.said('port-lost');
      await radio.replug();
      await gateway.said('port-open', { times: 2 });
      await radio.write(counterFrame(0x3a10, 1000));
    });
    await then('all is well, for the doctor too', async () => {
      const { health } = await cloud.stored(before + 1);
      deepEqual([health?.ports[0]?.open, health?.ports[0]?.trouble], [true, undefined]);
      const { findings } = await gateway.doctor();
      deepEqual(
        findings.filter(({ about }) => about.startsWith('port')),
        [],
      );
    });
  },
});
