// A gateway's first day: it is switched on before its cloud can be reached. And its second: switched on again.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { CloudProcess } from '../system/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('first start');

let site: Site;
let counter: Counter;
/** Readings of the first run, by its line a second. */
let heard = 0;
let doors: { httpsPort: number; mqttPort: number };

/** A port below those the system gives away by itself, so that a door finds it free when it comes back. */
async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

const file = (name: string) => join(site.folder, 'gateway', name);
const mode = (name: string) => (statSync(file(name)).mode & 0o777).toString(8);

test.before(async () => {
  doors = { httpsPort: await lastingPort(), mqttPort: await lastingPort() };
  site = await Site.prepare({ doors, link: 'proxied' });
  counter = new Counter(site.port);
  await site.cloud.service.stop();
});

test.after(() => site.close());

test('without a cloud it makes its key, keeps what it hears, and goes on trying', async () => {
  assert.is(statSync(file('state'), { throwIfNoEntry: false }), undefined);
  site.startGateway();
  site.gateway.onLine(({ event, readings }) => {
    if (event === 'progress') heard = Number(readings);
  });
  await site.gateway.line('port-open');
  await counter.send(20);
  await site.gateway.line('key-made');
  const { reason } = await site.gateway.line('enrolment-failed');
  assert.match(String(reason), 'ECONNREFUSED');
  assert.is(mode('state'), '700');
  assert.is(mode('state/gateway.key'), '600');
  assert.ok(statSync(file('enrolment-secret')).isFile());
});

test('once the cloud is there it enrols, and delivers what it held', async () => {
  site.cloud = await CloudProcess.start({ ...doors, state: join(site.folder, 'cloud') });
  await site.gateway.line('enrolled');
  await counter.send(5);
  const { frames, stored, duplicate, rejected } = await site.stored(25);
  assert.equal([frames, stored, duplicate, rejected], [25, 25, 0, 0]);
  assert.equal(countsIn(site.readings()), countsTo(25));
});

test('its certificate is for its own key, which is nowhere else, and the secret is spent', async () => {
  const key = readFileSync(file('state/gateway.key'), 'utf8');
  const certificate = new X509Certificate(readFileSync(file('state/gateway.crt')));
  assert.is(certificate.subject, `CN=${gatewayId}`);
  assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
  assert.is(statSync(file('enrolment-secret'), { throwIfNoEntry: false }), undefined);
  const body = key.split('\n')[1] as string;
  const elsewhere = globSync('**/*', { cwd: site.folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(body));
  assert.equal(elsewhere, [file('state/gateway.key')]);
});

test('switched off while the link stands still, it waits for what it holds to be committed', async () => {
  await site.proxy?.set({ flow: 'freeze' });
  await counter.send(10);
  await until(() => heard >= counter.sent, { limitMs: 20_000, what: 'the gateway has heard all of it' });
  const ended = site.gateway.stop();
  await site.gateway.line('gateway-stopping');
  // Longer than saying its last word and closing the link may take.
  await elapsed(2500);
  await site.proxy?.set({ flow: 'forward' });
  assert.equal(await ended, { code: 0, signal: null });
  assert.is((await site.gateway.line('gateway-stop')).unacknowledged, 0);
});

test('switched on again it is the same gateway in a new epoch, and does not enrol again', async () => {
  const [key, certificate] = ['state/gateway.key', 'state/gateway.crt'].map((name) =>
    readFileSync(file(name)),
  );
  const first = await site.epoch();
  site.startGateway();
  await site.gateway.line('uplink-connected');
  await site.gateway.line('port-open');
  const before = counter.sent;
  await counter.send(7);
  await site.stored(7);
  assert.is.not(await site.epoch(), first);
  assert.equal(
    [readFileSync(file('state/gateway.key')), readFileSync(file('state/gateway.crt'))],
    [key, certificate],
  );
  const events = site.gateway.log.map(({ event }) => event);
  assert.not.ok(events.includes('enrolling') || events.includes('key-made'));
  assert.equal(
    countsIn(site.readings()).sort((a, b) => a - b),
    countsTo(before + 7),
  );
});

test('the account of both epochs balances', async () => {
  const { readings, deliveries, epochs } = await site.cloud.organisation.getLedger({ device: gatewayId });
  for (const { received, stored, duplicate, rejected } of [readings, deliveries]) {
    assert.is(received, stored + duplicate + rejected);
  }
  assert.equal([readings.stored, readings.rejected], [counter.sent, 0]);
  assert.is(epochs.length, 2);
  const newest = await site.cloud.organisation.getLedger({ device: gatewayId, query: { epochs: 1 } });
  assert.equal(
    newest.epochs.map(({ epoch }) => epoch),
    [epochs[0]?.epoch],
  );
  assert.equal(
    epochs.map(({ gaps }) => gaps),
    [[], []],
  );
  // From 0 on without a break: every reading, and the anchors and events among them.
  for (const [index, { received }] of epochs.entries()) {
    const [range, ...more] = received;
    assert.equal([range?.first, more], [0, []]);
    assert.ok((range?.last ?? 0) > (index === 0 ? 7 : counter.sent - 7));
  }
});

test.run();
