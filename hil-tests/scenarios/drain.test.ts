// @long
// A cloud told to end under load: what it committed it acknowledged, everybody hears it, and slow clients hold nothing up.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { readReadings } from '@loadline/cloud';
import { gatewayTopic } from '@loadline/sdk/contract';
import type { MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { NumberedClient } from './numbered-client.ts';

const test = suite('drain');

const gateways = ['drain-1', 'drain-2', 'drain-3'] as const;
/** Milliseconds in which a cloud that is told to end has ended (docs/operations.md). */
const promised = 15_000;
/** Milliseconds of load before it is told. */
const underLoad = 1000;

let folder: string;
let state: string;
let cloud: CloudProcess;
let identities: GatewayIdentity[];

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-drain-'));
  state = join(folder, 'cloud');
  cloud = await CloudProcess.start({ state, metrics: true });
  identities = [];
  for (const id of gateways) identities.push(await enrolIdentity(cloud, id));
});
test.after(async () => {
  await cloud.service.stop();
  await rm(folder, { recursive: true });
});

interface Sender {
  readonly id: string;
  readonly numbered: NumberedClient;
  readonly client: MqttClient;
  readonly notices: string[];
}

async function send(): Promise<Sender[]> {
  return await Promise.all(
    identities.map(async (identity, index) => {
      const numbered = new NumberedClient(identity.id, new SeededRandom(index + 1));
      const client = await connectGateway(cloud.mqttPort, identity);
      const notices: string[] = [];
      client.on('message', (_topic, payload) => notices.push(JSON.parse(payload.toString()).code));
      await client.subscribeAsync(gatewayTopic(identity.id, 'notice'));
      void numbered.send(client, new AbortController().signal);
      await until(() => numbered.batches.answered > 0, { what: 'the first PUBACK' });
      return { id: identity.id, numbered, client, notices };
    }),
  );
}

/** Numbers of readings and anchors that the state folder has of a gateway, in this epoch of its sender. */
function committed({ id, numbered }: Sender): Set<number> {
  const numbers = new Set<number>();
  for (const { device, number, time, reading } of readReadings(state)) {
    // Its epoch is known by its anchor, which is its number 1: without it, its readings would have no such times.
    if (device === id && time === reading.monotonic + numbered.start) numbers.add(number).add(1);
  }
  return numbers;
}

/** Connections that do nothing, or stop in the middle: to both ports, before, in and after their handshake. */
function dawdlers() {
  const ports = [cloud.httpsPort, cloud.mqttPort];
  const silent = ports.map((port) => tcpConnect({ port, host: '127.0.0.1' }));
  const hello = ports.map((port) => {
    const socket = tcpConnect({ port, host: '127.0.0.1' });
    // The first bytes of a ClientHello that never goes on.
    socket.write(Buffer.from('16030102000100', 'hex'));
    return socket;
  });
  const idle = ports.map((port) => tlsConnect({ port, host: 'localhost', ca: cloud.authorityPem }));
  const halfBody = tlsConnect({ port: cloud.httpsPort, host: 'localhost', ca: cloud.authorityPem });
  halfBody.write(
    `POST /api/v1/session HTTP/1.1\r\nHost: localhost:${cloud.httpsPort}\r\nOrigin: ${cloud.url}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"email":',
  );
  const all = [...silent, ...hello, ...idle, halfBody];
  for (const socket of all) socket.on('error', () => {});
  return all;
}

/** A follower of server-sent events; `text` is what came while it was read. */
function follow() {
  const cookie = Object.entries(cloud.client.cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
  const socket = tlsConnect({ port: cloud.httpsPort, host: 'localhost', ca: cloud.authorityPem });
  const follower = { socket, text: '' };
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    follower.text = (follower.text + chunk).slice(-4096);
  });
  socket.write(
    `GET /api/v1/organisations/first/live HTTP/1.0\r\nHost: localhost:${cloud.httpsPort}\r\nCookie: ${cookie}\r\n\r\n`,
  );
  return follower;
}

test('what is committed was acknowledged, everybody hears that it ends, and nobody holds it up', async () => {
  const metricsPort = (await cloud.service.line('listening')).metricsPort;
  const ready = async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status;
  assert.is(await ready(), 200);
  const senders = await send();
  const [quick, slow] = [follow(), follow()];
  await until(() => slow.text.includes('event: readings'), { what: 'live readings' });
  slow.socket.pause();
  const sockets = dawdlers();
  await new Promise((resolve) => setTimeout(resolve, underLoad));

  const began = performance.now();
  const ended = cloud.service.stop();
  await cloud.service.line('stopping');
  const states: number[] = [];
  for (let up = true; up; ) {
    await ready().then(
      (status) => states.push(status),
      () => {
        up = false;
      },
    );
  }
  const { code, signal } = await ended;
  const took = performance.now() - began;
  assert.equal([code, signal], [0, null]);
  assert.ok(took < promised, `it took ${Math.round(took)} ms`);
  assert.equal(new Set(states), new Set([503]));

  for (const sender of senders) {
    const { acknowledged } = sender.numbered;
    const found = committed(sender);
    assert.ok(acknowledged.size > 100, `${acknowledged.size} numbers under load`);
    const lost = [...acknowledged].filter((number) => !found.has(number));
    assert.equal(lost, [], 'acknowledged, and not there');
    const untold = [...found].filter((number) => !acknowledged.has(number));
    assert.equal(untold, [], 'committed in order, and not acknowledged');
    assert.equal(sender.notices, ['cloud-stopping']);
  }
  await until(() => quick.socket.closed, { what: 'the end of the stream' });
  assert.match(quick.text, /event: end\ndata: \{\}\n\n$/);
  for (const socket of [...sockets, quick.socket, slow.socket]) socket.destroy();
});

test('a second signal ends it at once, and what it acknowledged is there all the same', async () => {
  cloud = await CloudProcess.start({ state });
  const senders = await send();
  const sockets = dawdlers();
  await Promise.all(sockets.slice(-1).map((socket) => once(socket, 'secureConnect')));
  await new Promise((resolve) => setTimeout(resolve, underLoad / 4));
  const ended = cloud.service.stop();
  await cloud.service.line('stopping');
  const began = performance.now();
  const { code } = await cloud.service.stop();
  await ended;
  assert.is(code, 1);
  assert.ok(performance.now() - began < 3000);
  assert.ok(cloud.service.log.some(({ event }) => event === 'stopping-at-once'));
  for (const sender of senders) {
    const found = committed(sender);
    assert.equal(
      [...sender.numbered.acknowledged].filter((number) => !found.has(number)),
      [],
    );
  }
  for (const socket of sockets) socket.destroy();
});

test.run();
