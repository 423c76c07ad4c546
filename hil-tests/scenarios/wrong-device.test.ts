// @long
// Another base station than the configuration expects answers: it is refused, and said in event, ledger and by the doctor.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { frameOf, portsAndCounts } from './frames.ts';
import { elapsed, Site } from './site.ts';

const test = suite('wrong device');

let site: Site;

test.before(async () => {
  site = await Site.prepare({ port: { base_addresses: [1] } });
  site.startGateway();
  await site.gateway.line('uplink-connected');
  await site.accountWhere('the port listens', (_, { ports }) =>
    ports.every(({ trouble }) => trouble?.startsWith('listening on ')),
  );
});

test.after(() => site.close());

const wrong = () => `${site.port.path} is base station 2; expected is base station 1`;

test('it is closed, named in the event and in the ledger, and nothing of it becomes a reading', async () => {
  await site.port.write(frameOf(7, 1, { base: 2 }));
  const { detail, subject, level } = await site.said('port-wrong-device');
  assert.equal([subject, level, detail], ['radio', 'error', wrong()]);
  const { health, frames, stored } = await site.accountWhere(
    'the ledger says so',
    (_, { ports }) => ports[0]?.trouble === wrong(),
  );
  const [ledger] = health?.ports ?? [];
  assert.equal([ledger?.open, ledger?.frameBytes, ledger?.discardedBytes], [false, 0, ledger?.bytes]);
  assert.equal([frames, stored], [0, 0]);
  assert.equal(await site.events().then((all) => all.filter((event) => event.startsWith('port-'))), [
    'port-wrong-device radio',
  ]);
});

test('the doctor says what is wrong and what to do, and ends with the code of an error', async () => {
  const { code, findings } = await site.doctor();
  const found = findings.find(({ about }) => about === 'port-wrong-device radio');
  assert.is(found?.severity, 'error');
  assert.match(found?.says ?? '', wrong());
  assert.match(found?.act ?? '', 'swap the adapters');
  assert.is(code, 2);
});

test('plugged out for the right one, all is well at once, for the doctor too', async () => {
  await site.port.unplug();
  await site.port.replug();
  await until(
    async () => {
      await site.port.write(frameOf(7, 5));
      await elapsed(25);
      return site.readings().length > 0;
    },
    { limitMs: 15_000, what: 'the right one is heard' },
  );
  assert.ok(portsAndCounts(site.readings()).every((read) => read === 'radio 5'));
  const { health } = await site.accountWhere('it is open', (_, { ports }) => ports[0]?.open === true);
  assert.is(health?.ports[0]?.trouble, undefined);
  const { findings } = await site.doctor();
  assert.not(
    findings.some(({ about }) => about.includes('radio')),
    JSON.stringify(findings),
  );
});

test('another that comes while the port is open is refused after three frames', async () => {
  const before = site.readings().length;
  await site.port.write(Buffer.concat([1, 2, 3, 4].map((value) => frameOf(7, -value, { base: 3 }))));
  const { detail } = await site.said('port-wrong-device', 2);
  assert.match(String(detail), 'is base station 3; expected is base station 1');
  await site.accountWhere('it is closed', (_, { ports }) => ports[0]?.open === false);
  assert.ok(portsAndCounts(site.readings().slice(before)).every((read) => read === 'radio 5'));
});

test.run();
