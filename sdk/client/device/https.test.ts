import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceClient, type DeviceEvent, UndeliveredError } from './index.ts';
import { httpsFarEnd, problem, type Said } from './test-far-end.ts';

const test = suite('device client by HTTPS');

const token = `lld_${'t0ken'.repeat(8)}`;
const good: Said = { status: 200, body: '{"stored":1,"duplicate":0}' };

/** Sends one reading to a far end that answers so; what it saw, and what was told. */
async function sendTo(answers: readonly Said[], { retry = { base: 1, cap: 5, refused: 1 } } = {}) {
  const farEnd = await httpsFarEnd(answers);
  const events: DeviceEvent[] = [];
  const { url, authorityPem, seen } = farEnd;
  const device = await DeviceClient.open<{ temp: number; door: boolean }>({
    transport: { kind: 'https', url, token, authorityPem },
    units: { temp: 'Cel' },
    retry,
    onEvent: (event) => events.push(event),
  });
  device.send({ temp: 21.5 }, { time: 1_795_000_000_123 });
  return {
    device,
    events,
    seen,
    close: async () => {
      await device.close({ within: 0 });
      farEnd.close();
      for (const said of [inspect(device, { depth: 9, showHidden: true }), JSON.stringify(events)]) {
        assert.not(said.includes(token), 'the token is told');
      }
    },
  };
}

test('one reading: SenML with name, unit, value and time, the token in its header, and a key', async () => {
  const { device, seen, close } = await sendTo([good]);
  assert.equal(await device.flush(), { delivered: 1, rejected: [], dropped: 0 });
  const [{ headers, path, body } = { headers: {}, path: '', body: '' }] = seen;
  assert.is(path, '/ingest/v1');
  assert.is(headers['x-auth-token'], token);
  assert.is(headers['content-type'], 'application/senml+json');
  assert.match(String(headers['idempotency-key']), /^"\d+-[0-9a-f]{12}"$/);
  assert.equal(JSON.parse(body), [{ n: 'temp', u: 'Cel', v: 21.5, t: 1_795_000_000.123 }]);
  await close();
});

test('what a proxy, a portal or a failing cloud answers loses nothing: the same is sent again under its key', async () => {
  const html = '<html>log in to the hotel</html>';
  const { device, events, seen, close } = await sendTo([
    { status: 200, body: html },
    { status: 200, body: '{}' },
    { status: 302, body: html, headers: { location: 'https://portal.example.org' } },
    { status: 400, body: html },
    { status: 401, body: html },
    { status: 404, body: html },
    { status: 413, body: html },
    { status: 502, body: html },
    { status: 200, body: 'x'.repeat(100_000) },
    problem(503, 'commit-timeout', { 'retry-after': '0' }),
    problem(500, 'internal'),
    good,
  ]);
  assert.equal(await device.flush(), { delivered: 1, rejected: [], dropped: 0 });
  assert.is(seen.length, 12);
  assert.is(new Set(seen.map(({ body, headers }) => `${headers['idempotency-key']} ${body}`)).size, 1);
  assert.equal(
    [...new Set(events.slice(0, -1).map((event) => (event.kind === 'waiting' ? event.for : event.kind)))],
    ['way'],
  );
  await close();
});

test('what the cloud rejects for good is told with its code, and the next goes on', async () => {
  const { device, events, close } = await sendTo([problem(422, 'readings-limit'), good]);
  const { rejected, delivered } = await device.flush();
  assert.equal(rejected, [
    { kind: 'rejected', readings: 1, code: 'readings-limit', detail: 'because of readings-limit' },
  ]);
  assert.is(delivered, 0);
  device.send({ temp: 22 });
  assert.is((await device.flush()).delivered, 1);
  assert.equal(
    events.map(({ kind }) => kind),
    ['rejected', 'delivered'],
  );
  assert.equal([device.standing.rejected, device.standing.delivered, device.standing.queued], [1, 1, 0]);
  await close();
});

test('a limit is waited for as long as the cloud says', async () => {
  const { device, events, close } = await sendTo([
    problem(429, 'rate-limited', { 'retry-after': '1' }),
    good,
  ]);
  const began = performance.now();
  assert.is((await device.flush()).delivered, 1);
  assert.ok(performance.now() - began >= 1000);
  const [waiting] = events;
  assert.is(waiting?.kind, 'waiting');
  if (waiting?.kind === 'waiting') assert.equal([waiting.for, waiting.code], ['limit', 'rate-limited']);
  await close();
});

test('who is not let in is told so at once, and is tried again after its time; the reading stays', async () => {
  for (const [status, code] of [
    [401, 'unauthenticated'],
    [403, 'device-disabled'],
  ] as const) {
    const { device, seen, close } = await sendTo([problem(status, code), good], {
      retry: { base: 1, cap: 5, refused: 600 },
    });
    const error = await device.flush().catch((caught: Error) => caught);
    assert.instance(error, UndeliveredError);
    if (error instanceof UndeliveredError) {
      assert.equal([error.readings, error.waiting?.for, error.waiting?.code], [1, 'credential', code]);
      assert.match(error.message, /1 readings are not delivered yet: the cloud does not let this device in/);
    }
    assert.is(seen.length, 1);
    const until = performance.now() + 30_000;
    while (device.standing.delivered === 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal([device.standing.delivered, device.standing.waiting, seen.length], [1, undefined, 2]);
    await close();
  }
});

test('without a way there the error names it, and close says what is left', async () => {
  const farEnd = await httpsFarEnd([good]);
  const { url } = farEnd;
  const { promise: tried, resolve: told } = Promise.withResolvers<unknown>();
  const stranger = await DeviceClient.open({ transport: { kind: 'https', url, token }, onEvent: told });
  stranger.send({ temp: 1 });
  // A busy machine takes its time to find that out.
  await tried;
  const untrusted = await stranger.flush({ within: 1 }).catch(({ message }: Error) => message);
  assert.match(
    String(untrusted),
    /1 readings are not delivered yet: localhost:\d+ cannot be reached: its certificate .*transport\.authorityPem/,
  );
  farEnd.close();
  assert.equal(await stranger.close({ within: 0 }), { undelivered: 1 });
  assert.throws(() => stranger.send({ temp: 1 }), /the client is closed/);
});

test('what cannot be right is refused at once, without a secret in the words', async () => {
  const url = 'https://localhost:1';
  const refused = async (transport: Parameters<typeof DeviceClient.open>[0]['transport'], queue = {}) => {
    const error = await DeviceClient.open({ transport, queue }).catch((caught: Error) => caught);
    assert.instance(error, RangeError);
    assert.not(inspect(error).includes(token));
    return (error as Error).message;
  };
  assert.match(
    await refused({ kind: 'https', url: `${url}/ingest?token=${token}`, token }),
    'nothing behind',
  );
  assert.match(
    await refused({ kind: 'https', url: `https://x:${token}@localhost`, token }),
    'nothing behind',
  );
  assert.match(await refused({ kind: 'https', url: 'http://localhost', token }), 'https://host:port');
  assert.match(await refused({ kind: 'https', url: token, token }), 'https://host:port');
  assert.match(await refused({ kind: 'https', url, token: `${token}\n` }), 'transport.token');
  assert.match(await refused({ kind: 'https', url, token, authorityPem: 'no' }), 'transport.authorityPem');
  assert.match(await refused({ kind: 'https', url, token }, { readings: 1 }), 'queue.readings');
  assert.match(await refused({ kind: 'socket', url: 'tcp://localhost:1', token }), 'use tls://');
  assert.match(await refused({ kind: 'socket', url: 'tls://localhost', token }), 'no port');
  const key = { id: 'sock_1', secret: token };
  assert.match(await refused({ kind: 'socket', url: 'tcp://localhost:1', key }), 'socket key');
  assert.match(
    await refused({ kind: 'mqtt', url: 'mqtts://localhost', device: 'A b', key }),
    'transport.device',
  );
});

test('what cannot be said is refused when it is sent, and nothing of it is kept', async () => {
  const device = await DeviceClient.open({ transport: { kind: 'https', url: 'https://localhost:1', token } });
  for (const [readings, time] of [
    [{ 'no name': 1 }, undefined],
    [{ n: Number.NaN }, undefined],
    [{ n: 1, m: Number.POSITIVE_INFINITY }, undefined],
    [{ n: 'x'.repeat(257) }, undefined],
    [{ n: 1 }, 0],
    [{ n: 1 }, Number.NaN],
    [{ n: 1 }, 1e15],
    [{ n: 1 }, new Date('nonsense')],
  ] as const) {
    assert.throws(() => device.send(readings, time === undefined ? {} : { time }));
    assert.is(device.standing.queued, 0);
  }
  device.send({});
  assert.equal(await device.flush(), { delivered: 0, rejected: [], dropped: 0 });
  await device.close();
});

test.run();
