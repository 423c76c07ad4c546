// The gateway's private key is looked for in everything that leaves its device, and is nowhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  realClock,
  until,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
  windTransmitter,
} from '../rig/index.ts';
import { prepareGateway, type Service, startGateway } from '../system/index.ts';
import { foundInDatabase, pemLines, privateKeyNeedles } from './key-search.ts';
import { filesBelow, formsOf, foundBelow, foundIn, modeOf, type Needle } from './needles.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { Tap } from './tap.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('a private key stays where it was made');

let temporary: TemporaryCloud;
let port: VirtualPort;
let gateway: Service;
let folder: string;
/** Everything that went between the gateway and each of the two doors, as it was on the wire. */
let taps: { readonly mqtt: Tap; readonly https: Tap };
/** The key in every form it could travel in, and its control: the certificate, which does travel. */
let key: Needle[];
let certificate: Needle[];

test.before(async () => {
  temporary = await temporaryCloud();
  const { cloud } = temporary;
  folder = join(temporary.folder, 'gateway');
  port = await VirtualPort.open({ folder: join(temporary.folder, 'dev') });
  taps = { mqtt: await Tap.open(cloud.mqttPort), https: await Tap.open(cloud.httpsPort) };
  const path = await prepareGateway(cloud, {
    id: 'mast-1',
    folder,
    sections: {
      uplink: { port: taps.mqtt.port },
      enrolment: { url: `https://localhost:${taps.https.port}` },
      ports: [{ name: 'radio', path: port.path }],
    },
  });
  gateway = startGateway(path, { logFile: join(temporary.folder, 'gateway.log') });
  await gateway.line('uplink-connected');
  const station = new VirtualBaseStation(port, { address: 1 });
  const radio = new VirtualRadio(station, [windTransmitter({ tag: 0x25df, intervalMs: 20 })], {
    clock: realClock,
  });
  radio.start();
  await until(async () => (await cloud.organisation.listSeries()).items.some(({ count }) => count >= 20), {
    limitMs: 15_000,
  });
  radio.stop();

  const pem = readFileSync(join(folder, 'state/gateway.key'), 'utf8');
  key = privateKeyNeedles('the key', pem);
  certificate = pemLines('the certificate', readFileSync(join(folder, 'state/gateway.crt'), 'utf8'));
  assert.ok(key.length > 50);
  assert.ok(certificate.length > 5);
});
test.after(async () => {
  await gateway.stop();
  await port.close();
  await taps.mqtt.close();
  await taps.https.close();
  await temporary.end();
});

test('it is in one file, in the state of the gateway, and only its owner reads that', () => {
  const file = join(folder, 'state/gateway.key');
  assert.is(modeOf(file), 0o600);
  assert.is(modeOf(join(folder, 'state')), 0o700);
  assert.ok(foundIn(readFileSync(file), key).length >= 15);
  // Everywhere else: the rest of the gateway's folder, the cloud's whole state, and the logs of both.
  assert.equal(foundBelow(temporary.folder, key, [file]), []);
  assert.ok(filesBelow(temporary.folder).some((path) => path.endsWith('gateway.log')));
});

test('nothing that crossed the network to either door holds it, and it did cross by there', () => {
  for (const tap of [taps.https, taps.mqtt]) {
    const wire = tap.recorded();
    assert.ok(wire.length > 2000, `${wire.length} bytes`);
    assert.equal(foundIn(wire, key), []);
  }
});

test('behind the TLS, where all is readable, it is nowhere in what the cloud keeps', () => {
  const database = openStateDatabase(temporary.state);
  const tables = allRows(database);
  database.close();
  assert.ok((tables.get('delivery')?.length ?? 0) > 0);
  assert.is(tables.get('certificate')?.filter(({ subject }) => subject === 'mast-1').length, 1);
  assert.equal(foundInDatabase(temporary.state, key), []);
});

test('the search does find what is there: the certificate, in the file it was put into', () => {
  const file = join(folder, 'state/gateway.crt');
  assert.is(foundIn(readFileSync(file), certificate).length, certificate.length);
  assert.ok(foundBelow(temporary.folder, certificate).some((found) => found.startsWith(`${file}:`)));
  const named = formsOf('the name of the gateway', Buffer.from('mast-1'));
  assert.ok(foundInDatabase(temporary.state, named).some((found) => found.startsWith('device.')));
});

test.run();
