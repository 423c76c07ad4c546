import { gzipSync } from 'node:zlib';
import { limits } from '@loadline/sdk/contract';
import { encodeBatch, writeSenml } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../../test-doors.ts';
import { ask, takeIn } from '../../test-software.ts';

const test = suite<{ doors: Doors; logger: Awaited<ReturnType<typeof takeIn>> }>('HTTPS for devices');

test.before(async (context) => {
  context.doors = await openDoors();
  context.logger = await takeIn(context.doors, 'logger');
});
test.after(({ doors }) => doors.close());

const json = 'application/json';
const code = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body.code];

test('takes the simple map, both forms of SenML and a batch, and says what was stored', async ({
  doors,
  logger,
}) => {
  const post = (type: string, body: string | Uint8Array, more: Record<string, string> = {}) =>
    ask(doors, { 'x-auth-token': logger.token.secret, 'content-type': type, ...more }, body);
  assert.equal((await post(json, '{"temp":21.5,"door":{"value":true,"unit":"lx"}}')).body, {
    stored: 2,
    duplicate: 0,
  });
  const reading = {
    name: 'wind',
    time: Date.now(),
    value: { type: 'float64', value: 4.25 },
    unit: 'm/s',
  } as const;
  for (const [form, type] of [
    ['senml', 'application/senml+json'],
    ['senml-cbor', 'application/senml+cbor'],
  ] as const) {
    const pack = writeSenml(form, [reading, { ...reading, time: reading.time - 1000 }]);
    assert.equal((await post(type, pack)).body, { stored: 2, duplicate: 0 }, type);
    assert.equal(
      (await post(type, pack)).body,
      { stored: 0, duplicate: 2 },
      'each reading has its time: known again',
    );
  }
  const packed = gzipSync('{"temp":22}');
  assert.equal((await post(`${json}; charset=utf-8`, packed, { 'content-encoding': 'gzip' })).body, {
    stored: 1,
    duplicate: 0,
  });
  const at = Date.now();
  const header = {
    epoch: 'ab'.repeat(16),
    boot: 'cd'.repeat(16),
    parent: undefined,
    oldest: 0,
    first: 0,
    dropped: [],
  };
  const batch = encodeBatch(header, [{ kind: 'anchor', monotonic: 5, wall: at, uncertainty: 1 }]);
  assert.is((await post('application/vnd.loadline.batch', batch)).status, 200);
  const { items } = await doors.organisation.listSeries();
  assert.is(items.length, 3);
  assert.equal((await post(json, '{}')).body, { stored: 0, duplicate: 0 });
});

test('counts a delivery once under its Idempotency-Key, and refuses another body under it', async ({
  doors,
  logger,
}) => {
  const post = (key: string, body: string) =>
    ask(doors, { 'x-auth-token': logger.token.secret, 'content-type': json, 'idempotency-key': key }, body);
  assert.equal((await post('"8e03978e-40d5"', '{"a":1}')).body, { stored: 1, duplicate: 0 });
  assert.equal((await post('"8e03978e-40d5"', '{"a":1}')).body, { stored: 0, duplicate: 1 });
  assert.equal(
    (await post('8e03978e-40d5', '{"a":1}')).body,
    { stored: 0, duplicate: 1 },
    'unquoted is the same',
  );
  assert.equal(code(await post('8e03978e-40d5', '{"a":2}')), [422, 'delivery-differs']);
  for (const wrong of [
    '""',
    '"open',
    'with space',
    `"${'x'.repeat(limits.idempotencyKeyLength + 1)}"`,
    'a"b',
  ]) {
    assert.equal(code(await post(wrong, '{"a":3}')), [400, 'request-invalid'], wrong);
  }
  assert.equal((await post('"a\\"b \\\\"', '{"a":4}')).body, { stored: 1, duplicate: 0 });
});

test('keeps what it refuses for good with its reason, and counts it', async ({ doors, logger }) => {
  const post = (type: string, body: string) =>
    ask(doors, { 'x-auth-token': logger.token.secret, 'content-type': type }, body);
  const device = doors.directory.device('logger')?.number as number;
  const counts = async () => {
    const ledger = await doors.store.read('ledger', { device, limit: 10 });
    assert.ok(ledger);
    return (ledger as NonNullable<typeof ledger>).deliveries;
  };
  const before = await counts();
  assert.equal(code(await post(json, '{"temp":')), [400, 'readings-malformed']);
  assert.equal(code(await post('application/senml+json', '{}')), [400, 'readings-malformed']);
  assert.equal(code(await post('application/senml+cbor', 'x')), [400, 'readings-malformed']);
  assert.equal(code(await post('application/vnd.loadline.batch', 'x')), [400, 'batch-malformed']);
  const many = JSON.stringify(
    Object.fromEntries(Array.from({ length: limits.deviceSeries + 1 }, (_, index) => [`s${index}`, 1])),
  );
  assert.equal(code(await post(json, many)), [422, 'readings-limit']);
  const after = await counts();
  assert.is(after.rejected - before.rejected, 5);
  assert.is(after.received, after.stored + after.duplicate + after.rejected);
});

test('says what it would take instead: forms, encodings, sizes, methods', async ({ doors, logger }) => {
  const token = logger.token.secret;
  const post = (headers: Record<string, string | undefined>, body: string | Uint8Array) =>
    ask(doors, { 'x-auth-token': token, 'content-type': json, ...headers }, body);
  for (const type of [
    undefined,
    'text/plain',
    'application/json5',
    'multipart/form-data; boundary=x',
    ';',
    'a'.repeat(4000),
  ]) {
    const refused = await post({ 'content-type': type }, '{"a":1}');
    assert.equal(code(refused), [415, 'media-type-unsupported'], type);
    assert.match(String(refused.headers.accept), 'application/senml+cbor');
    assert.match(String(refused.headers['content-type']), 'application/problem+json');
  }
  for (const encoding of ['br', 'zstd', 'gzip, gzip', 'deflate']) {
    const refused = await post({ 'content-encoding': encoding }, gzipSync('{"a":1}'));
    assert.equal(code(refused), [415, 'media-type-unsupported'], encoding);
    assert.is(refused.headers['accept-encoding'], 'gzip');
  }
  assert.equal(code(await post({ 'content-encoding': 'gzip' }, '{"a":1}')), [400, 'encoding-malformed']);
  const cut = gzipSync('{"a":1}').subarray(0, -6);
  assert.equal(code(await post({ 'content-encoding': 'gzip' }, cut)), [400, 'encoding-malformed']);
  assert.equal(code(await post({}, 'x'.repeat(limits.batchBytes + 1))), [413, 'body-too-large']);
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  assert.ok(bomb.length < limits.batchBytes);
  const rss = process.memoryUsage().rss;
  assert.equal(code(await post({ 'content-encoding': 'gzip' }, bomb)), [413, 'body-too-large']);
  assert.ok(process.memoryUsage().rss - rss < 64 * 1024 * 1024, 'a bomb is not blown up');
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    const refused = await ask(doors, { 'x-auth-token': token }, '', { method });
    assert.equal(code(refused), [405, 'request-invalid'], method);
    assert.is(refused.headers.allow, 'POST');
  }
  assert.equal(code(await ask(doors, { 'x-auth-token': token }, '', { path: '/ingest/v2' })), [
    404,
    'not-found',
  ]);
});

test('knows nobody without the header, whatever else is sent', async ({ doors, logger }) => {
  const { secret } = logger.token;
  const headers = { 'content-type': json };
  const none = await ask(doors, headers, '{"a":1}');
  assert.equal(code(none), [401, 'unauthenticated']);
  assert.match(String(none.headers['www-authenticate']), /^X-Auth-Token/);
  for (const elsewhere of [
    { authorization: `Bearer ${secret}` },
    { cookie: `token=${secret}` },
    { 'x-api-key': secret },
    { 'x-auth-token': '' },
    { 'x-auth-token': secret.slice(0, -1) },
    { 'x-auth-token': `${secret}A` },
    { 'x-auth-token': logger.key.secret },
    { 'x-auth-token': logger.token.id },
    { 'x-auth-token': 'é'.repeat(500) },
  ]) {
    assert.equal(code(await ask(doors, { ...headers, ...elsewhere }, '{"a":1}')), [401, 'unauthenticated']);
  }
  const told = await ask(doors, { ...headers, authorization: `Bearer ${secret}` }, '{"a":1}');
  assert.match(String(told.body.detail), /Authorization is not looked at/);
});

test('a token in an address is refused with the reason, and is in no log', async ({ doors, logger }) => {
  const { secret } = logger.token;
  const escaped = secret.replaceAll('_', '%5F');
  const before = doors.lines.length;
  for (const path of [
    `/ingest/v1?token=${secret}`,
    '/ingest/v1?access_token=short',
    '/ingest/v1?X-Auth-Token=',
    '/ingest/v1?api_key=1',
    '/ingest/v1?%74oken=1',
    `/ingest/v1?x=${secret}`,
    `/ingest/v1?x=${escaped.replaceAll('%', '%25')}`,
    `/ingest/v1/${secret}`,
    `/ingest/${escaped}/telemetry`,
    `/api/v1/${secret}/telemetry`,
    `/${secret}`,
    `/telemetry?token=${secret}`,
    `/ingest/v1/${'a1'.repeat(32)}`,
  ]) {
    for (const method of ['POST', 'GET']) {
      const refused = await ask(doors, { 'x-auth-token': secret, 'content-type': json }, '{"a":1}', {
        path,
        method,
      });
      assert.equal(code(refused), [400, 'token-in-url'], `${method} ${path}`);
      assert.match(String(refused.body.detail), 'X-Auth-Token');
      assert.not.match(JSON.stringify(refused.body), secret.slice(4, 20));
    }
  }
  assert.not.match(JSON.stringify(doors.lines.slice(before)), secret.slice(4, 20));
  assert.is(
    (await ask(doors, { 'x-auth-token': secret, 'content-type': json }, '{}', { path: '/ingest/v1?x=1' }))
      .status,
    200,
  );
});

test('a token that was revoked, and a device that is off, open nothing at once', async ({ doors }) => {
  const gone = await takeIn(doors, 'gone');
  const post = () => ask(doors, { 'x-auth-token': gone.token.secret, 'content-type': json }, '{"a":1}');
  assert.is((await post()).status, 200);
  await doors.organisation.patchDevice({ device: 'gone', body: { enabled: false } });
  assert.is((await post()).status, 401);
  await doors.organisation.patchDevice({ device: 'gone', body: { enabled: true } });
  assert.is((await post()).status, 200);
  await doors.organisation.deleteDeviceCredential({ device: 'gone', credential: gone.token.id });
  assert.is((await post()).status, 401);
});

test.run();
