// @long
// Health, readiness and metrics of a cloud at work: a word for everybody, all of it for its own machine, and no names.
import { request } from 'node:https';
import { fileURLToPath } from 'node:url';
import { cloudProgram } from '@loadline/cloud';
import { gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch } from '@loadline/sdk/telemetry';
import type { MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Service } from '../system/index.ts';
import { connectGateway, enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('operations');

const gatewayId = 'named-nowhere';

let temporary: TemporaryCloud;
let metricsUrl: string;
let identity: GatewayIdentity;
let gateway: MqttClient;

test.before(async () => {
  temporary = await temporaryCloud({ metrics: true });
  const { service } = temporary.cloud;
  metricsUrl = `http://127.0.0.1:${(await service.line('listening')).metricsPort}`;
  identity = await enrolIdentity(temporary.cloud, gatewayId);
  gateway = await connectGateway(temporary.cloud.mqttPort, identity);
});
test.after(async () => {
  gateway.end(true);
  await temporary.end();
});

/** Asks the HTTPS door, as anybody. */
function ask(path: string, method = 'GET') {
  const { httpsPort, authorityPem } = temporary.cloud;
  return new Promise<{ status: number | undefined; body: string; type: string | undefined }>(
    (resolve, reject) => {
      const call = request(
        { host: 'localhost', port: httpsPort, ca: authorityPem, path, method },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode, body, type: response.headers['content-type'] }),
          );
        },
      );
      call.on('error', reject).end();
    },
  );
}

async function metric(name: string): Promise<number | undefined> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

async function publish(body: Uint8Array): Promise<void> {
  await gateway.publishAsync(gatewayTopic(gatewayId, 'telemetry'), Buffer.from(body), { qos: 1 });
}

test('everybody hears a word on health and readiness, and nothing else', async () => {
  assert.equal(await ask('/healthz'), { status: 200, body: 'ok\n', type: 'text/plain; charset=utf-8' });
  assert.equal(await ask('/readyz'), { status: 200, body: 'ready\n', type: 'text/plain; charset=utf-8' });
  assert.is((await ask('/metrics')).status, 404);
  assert.ok([404, 405].includes((await ask('/readyz', 'POST')).status ?? 0));
});

test('what came in is counted by door, and no name is in it', async () => {
  const boot = 'bb'.repeat(16);
  const header = { epoch: 'aa'.repeat(16), parent: undefined, boot, oldest: 0, first: 0, dropped: [] };
  const batch = encodeBatch(header, [
    { kind: 'anchor', monotonic: 0, wall: Date.now(), uncertainty: 1 },
    {
      ...{ kind: 'reading', port: 'radio', base: 1, tag: 0x25df, aspect: 'heard', calibration: undefined },
      ...{
        monotonic: 5,
        value: { type: 'int32', value: 42 },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      },
    },
  ]);
  await publish(batch);
  await publish(batch);
  await publish(Buffer.from('no batch'));
  const mqtt = (name: string, result: string) => metric(`loadline_${name}{door="mqtt",result="${result}"}`);
  assert.is(await mqtt('deliveries_total', 'committed'), 2);
  assert.is(await mqtt('deliveries_total', 'rejected'), 1);
  assert.is(await mqtt('readings_total', 'stored'), 1);
  assert.is(await mqtt('readings_total', 'duplicate'), 1);
  assert.is(await metric('loadline_acknowledgement_seconds_count{door="mqtt"}'), 3);
  assert.is(await metric('loadline_connections{door="mqtt",kind="gateway"}'), 1);
  assert.is(await metric('loadline_ready'), 1);
  assert.ok(((await metric('loadline_commit_seconds_count')) ?? 0) > 0);
  assert.ok(((await metric('nodejs_eventloop_lag_p99_seconds')) ?? 0) > 0);

  const stream = (await temporary.cloud.organisation.followReadings())[Symbol.asyncIterator]();
  await until(async () => (await metric('loadline_live_followers')) === 1, { what: 'a follower' });
  await stream.return?.(undefined);

  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const { organisation } = temporary.cloud;
  const { name } = await organisation.getDevice({ device: gatewayId });
  for (const secret of [
    gatewayId,
    name,
    'first',
    'First organisation',
    temporary.cloud.login.email,
    '25DF',
  ]) {
    assert.not(text.includes(`"${secret}"`) || text.includes(gatewayId), secret);
  }
});

test('a handshake that comes to nothing is counted', async () => {
  const { httpsPort } = temporary.cloud;
  const before = (await metric('loadline_tls_failures_total{door="https"}')) ?? 0;
  // It trusts no authority of ours: it breaks the handshake off.
  await new Promise<void>((resolve) => {
    request({ host: 'localhost', port: httpsPort, path: '/' })
      .on('error', () => resolve())
      .end();
  });
  await until(async () => ((await metric('loadline_tls_failures_total{door="https"}')) ?? 0) > before, {
    what: 'a failure that is counted',
  });
});

test('a cloud that is to tell everybody its metrics has to be told so', async () => {
  const args = ['--state', `${temporary.state}-2`, '--https-port', '0', '--mqtt-port', '0'];
  const service = new Service({
    name: 'cloud',
    file: fileURLToPath(cloudProgram),
    args: [...args, '--metrics-port', '0', '--metrics-host', '0.0.0.0'],
  });
  assert.is((await service.ended).code, 1);
  assert.match(service.errors, '--metrics-open');
});

test.run();
