// @long
// A cloud killed in the middle of what devices deliver by token and by key: what has no number of its own counts once.
import type { OrganisationClient } from '@loadline/sdk/client';
import { deviceTopic } from '@loadline/sdk/contract';
import { connectAsync, type MqttClient } from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import type { CloudProcess } from '../system/index.ts';
import { CrashingCloud } from './crashing-cloud.ts';
import { ask } from './raw-https.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';

const seed = 20_263;
const kills = 5;

/** Sends 1, 2, 3 … each until it is acknowledged: what it does not hear of is sent again as the same. */
interface Sender {
  readonly device: string;
  /** The next that is not known to be stored. */
  next: number;
  /** How often one was sent again. */
  resent: number;
  /** Sends until the cloud is gone; whether one was on its way then. */
  run(cloud: CloudProcess, signal: AbortSignal): Promise<void>;
}

/** By HTTPS: the number is the key of its delivery. */
function overHttps(device: string, { token }: Credentials): Sender {
  let sent = 0;
  return {
    device,
    next: 1,
    resent: 0,
    async run(cloud, signal) {
      while (!signal.aborted) {
        if (this.next === sent) this.resent += 1;
        sent = this.next;
        const headers = {
          'x-auth-token': token.secret,
          'content-type': 'application/json',
          'idempotency-key': `"delivery ${this.next}"`,
        };
        const body = `{"n":${this.next}}`;
        const answer = await ask(cloud, { method: 'POST', path: '/ingest/v1', headers, body }).catch(
          () => undefined,
        );
        if (answer === undefined) return;
        assert.is(answer.status, 200, answer.body);
        this.next += 1;
      }
    },
  };
}

/** By MQTT: the packet id is its number, and DUP says that it may have come before. */
function overMqtt(device: string, { key }: Credentials): Sender {
  let sent = 0;
  let id = 1;
  const ids = {
    allocate: () => id,
    getLastAllocated: () => id,
    register: () => true,
    deallocate: () => {},
    clear: () => {},
  };
  const publish = (client: MqttClient, number: number, dup: boolean) => {
    id = number;
    const done = client.publishAsync(deviceTopic(device, 'json'), `{"n":${number}}`, { qos: 1, dup });
    return done.then(
      () => true,
      () => false,
    );
  };
  return {
    device,
    next: 1,
    resent: 0,
    async run(cloud, signal) {
      const client = await connectAsync({
        ...{ protocol: 'mqtts', host: 'localhost', port: cloud.mqttPort, ca: cloud.authorityPem },
        ...{ clientId: device, username: key.id, password: key.secret },
        ...{ protocolVersion: 4, clean: true, reconnectPeriod: 0, messageIdProvider: ids },
      });
      client.on('error', () => {});
      // MQTT.js never settles what was on its way when the link was lost.
      const gone = new Promise<boolean>((resolve) => client.once('close', () => resolve(false)));
      client.on('message', (_topic, payload) => assert.unreachable(String(payload)));
      while (!signal.aborted) {
        const dup = this.next === sent;
        if (dup) this.resent += 1;
        sent = this.next;
        if (!(await Promise.race([gone, publish(client, this.next, dup)]))) break;
        this.next += 1;
      }
      client.end(true);
    },
  };
}

/** Holds what is stored against what the sender knows: all that was acknowledged once, and at most one more. */
async function judge(organisation: OrganisationClient, { device, next }: Sender): Promise<void> {
  const query = {
    from: '2020-01-01T00:00:00Z',
    to: new Date(Date.now() + 60_000).toISOString(),
    points: 10_000,
  };
  const { points } = await organisation.getReadings({ device, series: 'n', query });
  const values = points.map(([, value]) => value).sort((a, b) => (a ?? 0) - (b ?? 0));
  assert.ok(
    values.length === next - 1 || values.length === next,
    `${device}: ${values.length} stored, ${next - 1} known`,
  );
  const wrong = values.findIndex((value, index) => value !== index + 1);
  assert.is(wrong, -1, `${device}: ${values[wrong]} stands where ${wrong + 1} belongs`);
  const { readings, deliveries } = await organisation.getLedger({ device });
  assert.is(readings.stored, values.length);
  assert.is(readings.rejected, 0);
  assert.is(deliveries.received, deliveries.stored + deliveries.duplicate);
}

test('what devices saw acknowledged outlives each kill, and what they send again counts once', async () => {
  const random = new SeededRandom(seed);
  const cloud = await CrashingCloud.start();
  try {
    const senders = [
      overHttps('by-token', await takeInSoftware(cloud.current, 'by-token')),
      overMqtt('by-key', await takeInSoftware(cloud.current, 'by-key')),
    ];
    for (let kill = 0; kill < kills; kill++) {
      const from = senders.map(({ next }) => next);
      const sending = senders.map((one) => one.run(cloud.current, new AbortController().signal));
      await until(() => senders.every(({ next }, at) => next > (from[at] ?? 0)), {
        limitMs: 30_000,
        what: 'both have been acknowledged something',
      });
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, 600)));
      await cloud.kill();
      await Promise.all(sending);
      const { organisation } = await cloud.restart();
      for (const sender of senders) await judge(organisation, sender);
    }
    for (const sender of senders) {
      assert.ok(sender.next > kills, `${sender.device} got somewhere: ${sender.next}`);
      assert.ok(sender.resent > 0, `${sender.device} was cut off with one on its way`);
      const last = new AbortController();
      const sending = sender.run(cloud.current, last.signal);
      setTimeout(() => last.abort(), 300);
      await sending;
      await judge(cloud.current.organisation, sender);
    }
  } finally {
    await cloud.end();
  }
});

test.run();
