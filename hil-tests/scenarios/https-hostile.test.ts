// @long
// Strangers and nonsense at the HTTPS door: bounded, answered, and everybody else is served on.
import { randomBytes, randomUUID } from 'node:crypto';
import { apiPrefix, operations, problemReply } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { type Answer, type Ask, ask, logIn, openTls } from './raw-https.ts';
import { openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('hostile requests at the HTTPS door');

/** The gateway of our own organisation, one of another, and one that nobody has. */
const [ours, theirs, nobodys] = ['mast-1', 'crane-9', 'winch-4'] as const;
const json = { 'content-type': 'application/json' };
const epoch = '0123456789abcdef'.repeat(2);

/** What the cloud may open to everybody, besides the page and enrolment: nothing else may say so of itself. */
const open = [
  'DELETE /session',
  'GET /openapi.json',
  'POST /kept-second-factors',
  'POST /password-links',
  'POST /password-resets',
  'POST /passwords',
  'POST /session',
  'POST /setup',
];

const devices = '/api/v1/organisations/first/devices';

let temporary: TemporaryCloud;
let token: string;
/** What was said to those who never finish their headers. */
let slow: Promise<string>[];

test.before(async () => {
  temporary = await temporaryCloud();
  await temporary.cloud.organisation.createDevice({ body: { id: ours } });
  const administrator = { email: 'bob@example.org', name: 'Bob' };
  await temporary.cloud.client.createOrganisation({ body: { id: 'second', name: 'Second', administrator } });
  // Its administrator has no password yet: its device is put into the database of the stopped cloud.
  await temporary.restart(() => {
    const database = openStateDatabase(temporary.state);
    database.prepare("INSERT INTO device (id, organisation) VALUES (?, 'second')").run(theirs);
    database.close();
  });
  token = await logIn(temporary.cloud);
  slow = ['GET / HTTP/1.1\r\nhost: a\r\n', 'G', ''].map((bytes) => exchange(bytes));
});
test.after(() => temporary.end());

/** A refusal as the API describes it: the status, its form, and nothing of the cloud's inside. */
function assertProblem(
  { status, headers, body }: Answer,
  wanted: number | readonly number[],
  what: string,
): string {
  assert.ok([wanted].flat().includes(status), `${what}: ${status} ${body}`);
  assert.is(headers['content-type'], 'application/problem+json', what);
  const problem = problemReply.parse(JSON.parse(body));
  assert.is(problem.status, status, what);
  assert.not.match(body, /node_modules|\.[jt]s\b|\n\s+at |FST_|SQLITE|Error:/, what);
  return problem.code;
}

async function assertRefused(asked: Ask, wanted: number | readonly number[]): Promise<string> {
  const what = `${asked.method ?? 'GET'} ${asked.path}`.slice(0, 200);
  return assertProblem(await ask(temporary.cloud, asked), wanted, what);
}

const guarded = Object.values(operations)
  .filter(({ opens }) => opens !== 'public')
  .map(({ method, path }) => ({
    method,
    path: `${apiPrefix}${path
      .replace(':organisation', 'first')
      .replace(':device', ours)
      .replace(':series', '00A1')
      .replace(':epoch', epoch)
      .replace(/:[a-z]+/g, randomUUID())}`,
  }));

test('what opens to everybody is what must', () => {
  const found = Object.values(operations).filter(({ opens }) => opens === 'public');
  assert.equal(found.map(({ method, path }) => `${method} ${path}`).sort(), open);
});

test('no route that is not meant for everybody opens without a session', async () => {
  for (const asked of guarded) assert.is(await assertRefused(asked, 401), 'unauthenticated');
});

test('a session that never was opens nothing', async () => {
  const never = [randomBytes(32).toString('base64url'), '', '%', "' OR 1=1 --", 'a'.repeat(8000), '%00'];
  for (const asked of guarded) {
    for (const made of asked.path === '/api/v1/session' ? never : never.slice(0, 1)) {
      assert.is(await assertRefused({ ...asked, token: made }, 401), 'unauthenticated');
    }
  }
});

test('HEAD is guarded like GET, and ends even where GET would stream', async () => {
  for (const { path } of guarded.filter(({ method }) => method === 'GET')) {
    assert.is((await ask(temporary.cloud, { method: 'HEAD', path })).status === 200, false, path);
    const { status } = await ask(temporary.cloud, { method: 'HEAD', path, token });
    assert.ok(status < 500, path);
  }
});

test("another organisation's gateway is answered exactly as one that does not exist", async () => {
  const between = '?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z';
  for (const rest of ['ledger', `runs/${epoch}`, 'series/00A1', `series/00A1/readings${between}`]) {
    const [other, none] = await Promise.all(
      [theirs, nobodys].map((id) => ask(temporary.cloud, { path: `${devices}/${id}/${rest}`, token })),
    );
    assert.is(assertProblem(other as Answer, 404, rest), 'not-found');
    assert.is(other?.body, none?.body, rest);
  }
  const list = await ask(temporary.cloud, { path: devices, token });
  assert.equal(
    JSON.parse(list.body).items.map(({ id }: { id: string }) => id),
    [ours],
  );
});

test('an enrolment for a gateway of another organisation cannot be had', async () => {
  const body = JSON.stringify({ id: theirs });
  const asked = { method: 'POST', path: devices, headers: json, token, body };
  assert.is(await assertRefused(asked, 409), 'conflict');
});

test('bodies that are too large, of the wrong kind, or meant to do harm are refused', async () => {
  const to = { method: 'POST', path: devices, token };
  const large = `{"id":"${'a'.repeat(70_000)}"}`;
  await assertRefused({ ...to, headers: json, body: large }, 413);
  await assertRefused({ ...to, headers: { ...json, 'transfer-encoding': 'chunked' }, body: large }, 413);
  await assertRefused({ ...to, headers: { ...json, 'content-length': '99999999999' }, body: '{}' }, 413);
  for (const type of ['application/xml', 'multipart/form-data; boundary=x', ';;;', 'text/html']) {
    await assertRefused({ ...to, headers: { 'content-type': type }, body: '{"id":"a"}' }, 415);
  }
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '"mast"',
    '{"id":1}',
    '{"id":"a","organisation":"second"}',
    '{"id":"../x"}',
    '{"id":"a\\u0000"}',
    '{"__proto__":{"id":"a"}}',
    '{"id":"a","__proto__":{"admin":true}}',
    '{"id":"a","constructor":{"prototype":{"admin":true}}}',
    `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    `${'{"a":'.repeat(9000)}{"__proto__":1}${'}'.repeat(9000)}`,
  ]) {
    assert.is(await assertRefused({ ...to, headers: json, body }, 400), 'request-invalid');
  }
  // A type that only enrolment takes is no way around the schema.
  await assertRefused({ ...to, headers: { 'content-type': 'application/pkcs10' }, body: '{"id":"a"}' }, 400);
  const { items } = JSON.parse((await ask(temporary.cloud, { path: devices, token })).body);
  assert.is(items.length, 1);
});

test('enrolment without credentials, with broken ones, or with a body that is no request is refused', async () => {
  const to = { method: 'POST', path: '/.well-known/est/simpleenroll' };
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const pkcs10 = { 'content-type': 'application/pkcs10' };
  for (const headers of [
    {},
    { authorization: 'Basic' },
    basic('x'),
    basic('../x:y'),
    { authorization: 'Bearer a' },
  ]) {
    assert.is(await assertRefused({ ...to, headers }, 401), 'enrolment-refused');
  }
  for (const body of ['', 'x', 'AAAA', randomBytes(600).toString('base64')]) {
    const headers = { ...pkcs10, ...basic(`${ours}:guess`) };
    assert.is(await assertRefused({ ...to, headers, body }, 400), 'request-malformed');
  }
  const long = 'A'.repeat(200_000);
  await assertRefused({ ...to, headers: { ...pkcs10, ...basic(`${ours}:guess`) }, body: long }, 413);
});

test('a query or an address that is not what the API describes is refused', async () => {
  const readings = `${devices}/${ours}/series/00A1/readings`;
  const year = 'from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z';
  for (const query of [
    '',
    '?from=x&to=y',
    '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    `?${year}&from=2026-01-01T00:00:00Z`,
    `?${year}&points=1e999`,
    `?${year}&points=-1`,
    `?${year}&points=NaN`,
    '?from[]=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z',
    '?__proto__[from]=1&constructor=1',
    '?from=%00&to=%FF',
  ]) {
    assert.is(await assertRefused({ path: `${readings}${query}`, token }, 400), 'request-invalid');
  }
  await assertRefused({ path: '/api/v1/%zz', token }, 400);
  await assertRefused({ path: '/%', token }, 400);
  await assertRefused({ path: `${devices}/${'a'.repeat(300)}/ledger`, token }, [400, 404, 414]);
  await assertRefused({ path: `${devices}/${ours}%2F..%2F${theirs}/ledger`, token }, 404);
  await assertRefused({ path: `${devices}/${ours}/series/zzzz`, token }, 404);
  await assertRefused({ path: `${devices}/${ours}/series/-zz%20zz`, token }, 400);
  await assertRefused({ path: `${devices}/${ours}/series/${'z'.repeat(65)}`, token }, 400);
  await assertRefused({ path: `${devices}/${ours}/runs/__proto__`, token }, 400);
});

test('no address leads out of the folder of the page', async () => {
  for (const path of [
    '/../package.json',
    '/../../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/..%5c..%5cpackage.json',
    '/....//package.json',
    '//etc/passwd',
    '/%2fetc/passwd',
    '/index.html%00.png',
    '/index.html/../../../package.json',
    '/database.key',
    '/authority/authority.json',
    '/keys.json',
  ]) {
    assert.is(await assertRefused({ path }, 404), 'not-found');
  }
});

test('methods that nothing is declared for are refused', async () => {
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'POST']) {
    await assertRefused({ method, path: '/api/v1/organisations/first/series', token }, [400, 404, 415]);
  }
});

/** Sends bytes that need not be a request; what came back until the cloud closed the connection. */
async function exchange(bytes: string): Promise<string> {
  const socket = await openTls(temporary.cloud, temporary.cloud.httpsPort);
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await until(() => socket.closed, {
    limitMs: 20_000,
    what: `an end after ${JSON.stringify(bytes.slice(0, 60))}`,
  });
  return said;
}

test('what is no HTTP is refused and the connection closed', async () => {
  for (const [bytes, status] of [
    ['rubbish\r\n\r\n', 400],
    [`${'\x00'.repeat(4096)}`, 400],
    ['GET / HTTP/9.9\r\nhost: a\r\n\r\n', 400],
    [
      'POST /api/v1/session HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['POST /api/v1/session HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const [head = '', body = ''] = (await exchange(bytes)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    const headers = { 'content-type': /content-type: (.*)/i.exec(head)?.[1] ?? '' };
    assertProblem({ status, headers, body }, status, bytes.slice(0, 40));
  }
});

test('a request that ends in rubbish fails alone, and logs no failure of the cloud', async () => {
  const said = await exchange('GET /api/v1/session HTTP/1.1\r\nhost: a\r\n\r\n{}{}{}\r\n\r\n');
  assert.match(said, /HTTP\/1.1 4\d\d /);
});

test('headers that never end have held nobody up so far, and end the connection', async () => {
  for (const said of await Promise.all(slow))
    assert.ok(said === '' || said.startsWith('HTTP/1.1 408 '), said);
});

test('after all of it the cloud has answered no request with a failure, and still answers', async () => {
  const { log, errors, end } = temporary.cloud.service;
  assert.equal(
    log.filter(({ level }) => level === 'error'),
    [],
  );
  assert.is(errors, '');
  assert.is(end, undefined);
  assert.is((await ask(temporary.cloud, { path: '/api/v1/session', token })).status, 200);
});

test.run();
