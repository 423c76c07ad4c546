// @long
// Of each key that a gateway has had through its renewals nothing left it: not over the network, nor into the cloud, nor a log.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { prepareGateway, type Service, startGateway } from '../system/index.ts';
import { Counter } from './counter.ts';
import { foundInDatabase, privateKeyNeedles } from './key-search.ts';
import { foundBelow, foundIn, type Needle } from './needles.ts';
import { openStateDatabase } from './state-database.ts';
import { Tap } from './tap.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('renewed keys stay where they were made');

const renewals = 2;

let temporary: TemporaryCloud;
let port: VirtualPort;
let gateway: Service;
/** Everything that went between the gateway and each of the two doors, as it was on the wire. */
let taps: { readonly mqtt: Tap; readonly https: Tap };
/** Each key there was, by its text. */
const keys = new Set<string>();
let needles: Needle[];

const file = (name: string) => join(temporary.folder, name);
const keyFile = () => file('gateway/state/gateway.key');

test.before(async () => {
  temporary = await temporaryCloud({ certificateLife: '12s' });
  const { cloud } = temporary;
  port = await VirtualPort.open({ folder: file('dev') });
  taps = { mqtt: await Tap.open(cloud.mqttPort), https: await Tap.open(cloud.httpsPort) };
  const path = await prepareGateway(cloud, {
    id: 'mast-1',
    folder: file('gateway'),
    sections: {
      uplink: { port: taps.mqtt.port },
      enrolment: { url: `https://localhost:${taps.https.port}` },
      unconfigured: { sightings: 1 },
      ports: [{ name: 'radio', path: port.path }],
    },
  });
  gateway = startGateway(path, { logFile: file('gateway.log') });
  await gateway.line('uplink-connected');
  keys.add(readFileSync(keyFile(), 'utf8'));
  const renewed = () => gateway.log.filter(({ event }) => event === 'certificate-renewed').length;
  const counter = new Counter(port);
  await counter.sendWhile(
    20,
    until(
      () => {
        // The next key is there under its other name first.
        for (const name of ['renewal.key', 'gateway.key']) {
          try {
            keys.add(readFileSync(file(`gateway/state/${name}`), 'utf8'));
          } catch {
            // Not there at the moment.
          }
        }
        return renewed() >= renewals;
      },
      { limitMs: 60_000, what: `${renewals} renewals` },
    ),
  );
  await gateway.stop();
  keys.add(readFileSync(keyFile(), 'utf8'));
  assert.ok(keys.size >= renewals + 1, `${keys.size} keys`);
  needles = [...keys].flatMap((pem, index) => privateKeyNeedles(`key ${index}`, pem));
});
test.after(async () => {
  await gateway.stop();
  await port.close();
  await taps.mqtt.close();
  await taps.https.close();
  await temporary.end();
});

test('nothing of any of them crossed the network, to either door', () => {
  for (const tap of [taps.https, taps.mqtt]) {
    const wire = tap.recorded();
    assert.ok(wire.length > 5000, `${wire.length} bytes`);
    assert.equal(foundIn(wire, needles), []);
  }
});

test('nothing of them is in the state of the cloud, its database, or the logs of both', () => {
  assert.equal(foundInDatabase(temporary.state, needles), []);
  assert.equal(foundBelow(temporary.folder, needles, [keyFile()]), []);
});

test('only the last one is in the file, and nothing of those before it is left in the folder', () => {
  const [last] = [...keys].slice(-1);
  assert.is(readFileSync(keyFile(), 'utf8'), last);
  const before = [...keys].slice(0, -1).flatMap((pem, index) => privateKeyNeedles(`key ${index}`, pem));
  assert.equal(foundBelow(file('gateway'), before), []);
});

test('the search does find a key that was planted: on the wire, in a log, and in the database', async () => {
  const [first = ''] = keys;
  const secret = needles.find(({ name }) => name.startsWith('d of key 0 as'))?.bytes as Buffer;
  const socket = connect(taps.mqtt.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end(Buffer.from(first.split('\n')[12] as string));
  await until(() => foundIn(taps.mqtt.recorded(), needles).length > 0, { what: 'it is on the wire' });

  writeFileSync(file('other.log'), `{"event":"oops","key":"${secret.toString('hex')}"}\n`);
  assert.ok(foundBelow(temporary.folder, needles, [keyFile()]).some((found) => found.includes('other.log')));

  const database = openStateDatabase(temporary.state);
  database.exec('CREATE TABLE planted (value blob)');
  database.prepare('INSERT INTO planted VALUES (?)').run(secret);
  database.close();
  assert.ok(foundInDatabase(temporary.state, needles).some((found) => found.startsWith('planted.value')));
});

test.run();
