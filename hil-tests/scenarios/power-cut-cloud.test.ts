// @long
// The cloud's power is cut at any moment, and its disk loses what was not synced: what was acknowledged is there, at each door.
// @time-limit 700 s
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import { deviceTopic, gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch, type Reading, writeSenml } from '@loadline/sdk/telemetry';
import { connectAsync } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import type { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { lostByCuts, type OneAtATime, readingsOfMessage } from './cut-cloud.ts';
import { takeInSoftware } from './software-device.ts';

const test = suite('power cut of the cloud');

const device = 'one-at-a-time';

function batches(): () => Buffer {
  const header = {
    epoch: randomBytes(16).toString('hex'),
    parent: undefined,
    boot: randomBytes(16).toString('hex'),
    oldest: 0,
    dropped: [],
  };
  let message = 0;
  return () => {
    // Noise does not compress, so a message is as long as it looks.
    const noise = new Int32Array(randomBytes(4 * readingsOfMessage).buffer);
    const readings = Array.from(
      { length: readingsOfMessage },
      (_, index): Reading => ({
        kind: 'reading',
        port: 'none',
        base: 1,
        tag: 1,
        aspect: 'heard',
        calibration: undefined,
        monotonic: message,
        value: { type: 'int32', value: noise[index] as number },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      }),
    );
    message++;
    return Buffer.from(encodeBatch({ ...header, first: (message - 1) * readingsOfMessage }, readings));
  };
}

/** Readings by name, each with a time of its own. */
function packs(): () => Uint8Array {
  const began = Date.now();
  let sent = 0;
  return () => {
    const noise = new Int32Array(randomBytes(4 * readingsOfMessage).buffer);
    return writeSenml(
      'senml-cbor',
      Array.from(noise, (value) => ({
        name: 'noise',
        time: began + sent++,
        value: { type: 'float64', value } as const,
        unit: undefined,
      })),
    );
  };
}

async function gateway(cloud: CloudProcess): Promise<OneAtATime> {
  const client = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, device));
  const next = batches();
  return {
    port: (client.stream as unknown as Socket).localPort ?? 0,
    send: async () => void (await client.publishAsync(gatewayTopic(device, 'telemetry'), next(), { qos: 1 })),
    end: () => void client.end(true),
  };
}

async function byKey(cloud: CloudProcess): Promise<OneAtATime> {
  const { key } = await takeInSoftware(cloud, device);
  const client = await connectAsync({
    ...{ protocol: 'mqtts', host: 'localhost', port: cloud.mqttPort, ca: cloud.authorityPem },
    ...{ clientId: device, username: key.id, password: key.secret },
    ...{ protocolVersion: 4, clean: true, reconnectPeriod: 0 },
  });
  const next = packs();
  const topic = deviceTopic(device, 'senml-cbor');
  return {
    port: (client.stream as unknown as Socket).localPort ?? 0,
    send: async () => void (await client.publishAsync(topic, Buffer.from(next()), { qos: 1 })),
    end: () => void client.end(true),
  };
}

async function byToken(cloud: CloudProcess): Promise<OneAtATime> {
  const { token } = await takeInSoftware(cloud, device);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: cloud.authorityPem });
  const next = packs();
  let port = 0;
  const send = () =>
    new Promise<void>((resolve, reject) => {
      const asked = request({
        ...{ agent, host: 'localhost', port: cloud.httpsPort, path: '/ingest/v1', method: 'POST' },
        headers: { 'x-auth-token': token.secret, 'content-type': 'application/senml+cbor' },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        port = response.socket.localPort ?? 0;
        assert.is(response.statusCode, 200);
        response.resume().on('end', resolve);
      });
      asked.end(next());
    });
  return {
    get port() {
      return port;
    },
    send,
    end: () => agent.destroy(),
  };
}

const strace = await needs('strace');
if (strace !== true) console.log(`skipped: power cut of the cloud: ${strace}`);

for (const [door, open] of [
  ['MQTT by certificate', gateway],
  ['MQTT by key', byKey],
  ['HTTPS by token', byToken],
] as const) {
  for (const [name, program, check] of [
    [
      'whatever the disk loses, every message that was acknowledged is in the database',
      undefined,
      (missing: number) => assert.is(missing, 0),
    ],
    [
      'the control: of a cloud that does not sync, the same cuts take messages that were acknowledged',
      new URL('./cloud-without-sync.ts', import.meta.url),
      (missing: number) => assert.ok(missing > 0),
    ],
  ] as const) {
    (strace === true ? test : test.skip)(`${door}: ${name}`, async () => {
      const missing = await lostByCuts(open, program);
      if (typeof missing === 'string') console.log(`skipped: ${door}: ${name}: ${missing}`);
      else check(missing);
    });
  }
}

test.run();
