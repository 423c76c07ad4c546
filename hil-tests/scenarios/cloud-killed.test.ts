// @time-limit 120 s
// A cloud killed again and again under a gateway at work: what was acknowledged is there, and nothing twice.
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { dataTypes, encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SerialLine, until, VirtualPort } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { prepareGateway, startGateway } from '../system/index.ts';
import { CrashingCloud } from './crashing-cloud.ts';
import { WaitingDoor } from './waiting-door.ts';

const seed = 20_261;
const kills = 5;
const gatewayId = 'mast-1';
const tag = 0x25df;
/** Eight times as fast as a T24 line: 5760 frames a second. */
const baud = 921_600;
const framesAtOnce = 32;

/** A frame whose value is its number. */
function numberedFrame(number: number): Uint8Array {
  const packet = encodePacket({
    kind: 'dataProvider',
    flags: 0x20,
    tag,
    status: 0,
    dataType: dataTypes.int32,
    value: { type: 'int32', value: number },
    rssi: 0xfb,
    cv: 0xe8,
  });
  return encodeFrame(1, packet);
}

/** How often each value stands in the database's files, by value. */
function storedValues(state: string): Map<number, number> {
  const times = new Map<number, number>();
  for (const { reading } of readReadings(state)) {
    const { value } = reading.value as { value: number };
    times.set(value, (times.get(value) ?? 0) + 1);
  }
  return times;
}

/** A gateway of the shipped bundle on a virtual port, with a cloud that can be killed. */
async function openSite() {
  const cloud = await CrashingCloud.start();
  const port = await VirtualPort.open({ folder: join(cloud.folder, 'dev') });
  const door = await WaitingDoor.make(cloud.current.mqttPort);
  const config = await prepareGateway(cloud.current, {
    id: gatewayId,
    folder: join(cloud.folder, 'gateway'),
    sections: {
      uplink: { port: door.port },
      ports: [{ name: 'radio', path: port.path }],
      sensors: [{ tag: '25DF', name: 'Counter', unit: '', simulated: true }],
    },
  });
  const gateway = startGateway(config);
  let connections = 0;
  gateway.onLine(({ event }) => {
    if (event === 'uplink-connected') connections++;
  });
  await gateway.line('port-open');
  const close = async () => {
    await gateway.stop('SIGKILL');
    await door.close();
    await port.close();
    await cloud.end();
  };
  return { cloud, port, door, gateway, connections: () => connections, close };
}

type Site = Awaited<ReturnType<typeof openSite>>;

/** Sends numbered frames until it is aborted; how many. */
async function sendNumbers(port: VirtualPort, signal: AbortSignal): Promise<number> {
  const line = new SerialLine(port, { speed: { kind: 'paced', baud } });
  let sent = 0;
  while (!signal.aborted) {
    const frames = Array.from({ length: framesAtOnce }, (_, index) => numberedFrame(sent + index));
    await line.write(Buffer.concat(frames));
    sent += framesAtOnce;
  }
  return sent;
}

/** Kills the cloud again and again, each time a moment after the gateway has connected. */
async function killAgainAndAgain({ cloud, door, connections }: Site): Promise<void> {
  const random = new SeededRandom(seed);
  const connected = (count: number) =>
    until(() => connections() >= count, { limitMs: 30_000, what: `connection ${count}` });
  for (let kill = 1; kill <= kills; kill++) {
    door.open();
    await connected(kill);
    await new Promise((resolve) => setTimeout(resolve, random.integer(5, 250)));
    door.shut();
    await cloud.kill();
    await cloud.restart();
  }
  door.open();
  await connected(kills + 1);
}

test('each reading of a running gateway is stored once, however often the cloud is killed', async () => {
  const site = await openSite();
  try {
    const { cloud, gateway } = site;
    const silence = new AbortController();
    const sending = sendNumbers(site.port, silence.signal);
    await killAgainAndAgain(site);
    silence.abort();
    const sent = await sending;

    const epoch = String((await gateway.line('gateway-start')).epoch);
    const { health, stored } = await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const account = await cloud.current.organisation.getRun({ device: gatewayId, epoch: epoch });
        const { health } = account;
        return health?.readings === sent && health.journal.held === 0 ? { ...account, health } : undefined;
      },
      { limitMs: 30_000, what: `a gateway that holds none of ${sent} readings, and has said so` },
    );
    const ledger = await cloud.current.organisation.getLedger({ device: gatewayId });
    const {
      items: [series],
    } = await cloud.current.organisation.listSeries();
    await cloud.current.service.stop();

    const values = storedValues(cloud.state);
    const missing = Array.from({ length: sent }, (_, value) => value).filter((value) => !values.has(value));
    assert.equal(missing, [], 'values that were sent and are missing');
    assert.equal(
      [...values].filter(([, times]) => times !== 1),
      [],
      'values that are there more than once',
    );
    assert.is(values.size, sent, 'nothing is there that was never sent');

    assert.is(health.frames, sent);
    assert.equal([health.copies, health.suppressed, health.other, health.journal.dropped], [0, 0, 0, 0]);
    assert.equal([stored, series?.count, ledger.readings.stored], [sent, sent, sent]);
    for (const { received, stored, duplicate, rejected } of [ledger.readings, ledger.deliveries]) {
      assert.is(received, stored + duplicate + rejected);
      assert.is(rejected, 0);
    }
    // Beside the readings, the epoch has its anchors: one before the first, more where a clock was moved.
    assert.equal(
      ledger.epochs.map(({ received, gaps }) => [received.length, gaps.length]),
      [[1, 0]],
    );
  } finally {
    await site.close();
  }
});

test.run();
