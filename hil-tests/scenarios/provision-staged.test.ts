// @long
// @time-limit 240 s
// A place without a network: a kit is prepared where there is one, and used where there is none; the gateway enrols by itself later.
import { readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { provisioningScopes } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultProxy } from '../rig/index.ts';
import { privateKeyNeedles } from './key-search.ts';
import { foundIn } from './needles.ts';
import { Workbench } from './workbench.ts';

const test = suite('a gateway that is staged');

let bench: Workbench;
let token: string;
/** The way to the EST server: closed until there is a network. */
let way: FaultProxy;
let kit: string;
let site: string;

test.before(async () => {
  bench = await Workbench.prepare({ wait: 2 });
  token = await bench.token('technician', provisioningScopes);
  way = await FaultProxy.open({ target: { port: bench.cloud.httpsPort } });
  site = await bench.siteFile('staged-1', '', 'staged.toml');
  const text = await readFile(site, 'utf8');
  await writeFile(
    site,
    text.replace('[uplink]', `[cloud]\nurl = "https://localhost:${way.port}"\n\n[uplink]`),
  );
  await way.set({ newConnections: 'refuse' });
  await bench.act(true);
  await bench.startGateway();
});
test.after(async () => {
  await way.close();
  await bench.close();
});

test('a kit is for its owner alone, says when it ends, and holds no key', async () => {
  kit = bench.file('kit.json');
  await writeFile(
    bench.file('boards'),
    `# what is taken along\n${bench.serialNumber} staged-1 The quay\nSIM-0009 staged-9\n`,
  );
  const words = ['provision', 'prepare', '--boards', bench.file('boards'), '--out', kit, '--json'];
  const more = ['--uplink-host', 'localhost', '--uplink-port', String(bench.cloud.mqttPort)];
  const { code, out, errors } = await bench.start([...words, ...more], token).ended;
  assert.is(code, 0, errors);
  const { expires, boards } = JSON.parse(out);
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days <= 7, expires);
  assert.equal(
    boards.map(({ gatewayId }: { gatewayId: string }) => gatewayId),
    ['staged-1', 'staged-9'],
  );
  assert.is(statSync(kit).mode & 0o777, 0o600);
  const text = readFileSync(kit, 'utf8');
  assert.not.match(text, 'PRIVATE KEY');
  assert.match(text, 'BEGIN CERTIFICATE');
});

test('without a network it is staged, with an exit code of its own, and its record waits here', async () => {
  const { code, result, events } = await bench.provision(site, undefined, ['--kit', kit]);
  assert.equal([code, result?.result], [4, 'staged'], JSON.stringify(result));
  const [plan] = events.filter(({ event }) => event === 'plan');
  assert.equal(plan?.steps, ['own', 'hear', 'key', 'write', 'read', 'commit', 'record', 'close']);
  const kept = JSON.parse(readFileSync(String(result?.record), 'utf8'));
  assert.is(kept.kept, false);
  assert.equal([JSON.parse(kept.record).result, JSON.parse(kept.record).certificate], ['staged', null]);
  const early = await bench.start(['provision', 'deliver', '--json'], token).ended;
  assert.is(early.code, 1, early.out);
});

test('used again, a kit finds the gateway staged, and does nothing a second time', async () => {
  await bench.reopenMode();
  const { code, events } = await bench.provision(site, undefined, [
    '--kit',
    kit,
    '--record',
    bench.file('again.json'),
  ]);
  assert.is(code, 4);
  assert.equal(events.find(({ event }) => event === 'plan')?.steps, ['compare', 'record', 'close']);
});

test('with a network it enrols by itself and delivers, and then the cloud takes its record', async () => {
  await way.clear();
  await bench.stored('staged-1', 1);
  const { code, out } = await bench.start(['provision', 'deliver'], token).ended;
  assert.is(code, 0, out);
  assert.match(out, 'the cloud has the record of staged-1');
  const { items } = await bench.cloud.organisation.listProvisionings({ device: 'staged-1' });
  assert.is(JSON.parse(items[0]?.record ?? '{}').result, 'staged');
  const key = readFileSync(`${bench.site}/current/state/gateway.key`, 'utf8');
  const { fromGateway, fromTool } = bench.passed;
  assert.equal(
    foundIn(Buffer.concat([fromGateway, fromTool, readFileSync(kit)]), privateKeyNeedles('the key', key)),
    [],
  );
});

test.run();
