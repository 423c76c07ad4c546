// @long
import { deepEqual, equal, ok } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { frameOf, portsAndCounts } from './frames.ts';

export default scenario({
  about:
    'Another base station than the configuration expects answers: it is refused, and said in event, in ledger and by the doctor.',
  needs: ['simulated-radio', 'unplug'],
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('a gateway that expects base station 1', () =>
      bench.site({ ports: [{ name: 'radio', base_addresses: [1] }], gateway: 'prepared' }),
    );
    await gateway.start();
    await gateway.said('uplink-connected');
    await cloud.accountWhere('the port listens', (_, { ports }) =>
      ports.every(({ trouble }) => trouble?.startsWith('listening on ')),
    );
    const wrong = `${radio.path} is base station 2; expected is base station 1`;

    await when('base station 2 answers', () => radio.write(frameOf(7, 1, { base: 2 })));
    await then('the port is closed, it is named in the log, in the event and in the ledger', async () => {
      const { detail, subject, level } = await gateway.said('port-wrong-device');
      deepEqual([subject, level, detail], ['radio', 'error', wrong]);
      const { health, frames, stored } = await cloud.accountWhere(
        'the ledger says so',
        (_, { ports }) => ports[0]?.trouble === wrong,
      );
      const [ledger] = health?.ports ?? [];
      deepEqual([ledger?.open, ledger?.frameBytes, ledger?.discardedBytes], [false, 0, ledger?.bytes]);
      deepEqual([frames, stored], [0, 0], 'nothing of it becomes a reading');
      const told = (await cloud.events()).filter((event) => event.startsWith('port-'));
      deepEqual(told, ['port-wrong-device radio']);
    });
    await then(
      'the doctor says what is wrong and what to do, and ends with the code of an error',
      async () => {
        const { code, findings } = await gateway.doctor();
        const found = findings.find(({ about }) => about === 'port-wrong-device radio');
        equal(found?.severity, 'error');
        ok(found.says.includes(wrong), found.says);
        ok(found.act.includes('swap the adapters'), found.act);
        equal(code, 2);
      },
    );

    await when('it is unplugged, and the right one plugged in', async () => {
      await radio.unplug();
      await radio.replug();
      await until(
        async () => {
          await radio.write(frameOf(7, 5));
          await elapsed(25);
          return cloud.readings().length > 0;
        },
        { limitMs: 15_000, what: 'the right one is heard' },
      );
    });
    await then('all is well at once, for the doctor too', async () => {
      ok(portsAndCounts(cloud.readings()).every((read) => read === 'radio 5'));
      const { health } = await cloud.accountWhere('it is open', (_, { ports }) => ports[0]?.open === true);
      equal(health?.ports[0]?.trouble, undefined);
      const { findings } = await gateway.doctor();
      deepEqual(
        findings.filter(({ about }) => about.includes('radio')),
        [],
      );
    });

    const before = cloud.readings().length;
    await when('another base station comes while the port is open', () =>
      radio.write(Buffer.concat([1, 2, 3, 4].map((value) => frameOf(7, -value, { base: 3 })))),
    );
    await then('it is refused after three frames, and none of them is a reading', async () => {
      const { detail } = await gateway.said('port-wrong-device', { times: 2 });
      ok(String(detail).includes('is base station 3; expected is base station 1'), String(detail));
      await cloud.accountWhere('it is closed', (_, { ports }) => ports[0]?.open === false);
      ok(portsAndCounts(cloud.readings().slice(before)).every((read) => read === 'radio 5'));
    });
  },
});
