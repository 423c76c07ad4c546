// @long
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { limits } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, until } from '../../test-doors.ts';
import { ask, takeIn } from '../../test-software.ts';

const test = suite<{ doors: Doors; logger: Awaited<ReturnType<typeof takeIn>> }>(
  'HTTPS for devices, under attack',
);

let taken = 0;
test.before(async (context) => {
  context.doors = await openDoors();
});
test.before.each(async (context) => {
  taken += 1;
  context.logger = await takeIn(context.doors, `logger-${taken}`);
});
test.after(({ doors }) => doors.close());

/** A connection to the door, and all that it said. */
async function open(doors: Doors): Promise<{ socket: TLSSocket; said: () => string }> {
  const socket = connect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem });
  socket.on('error', () => socket.destroy());
  await once(socket, 'secureConnect');
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  return { socket, said: () => said };
}

const head = (token: string, ...more: readonly string[]) =>
  [
    'POST /ingest/v1 HTTP/1.1',
    'host: localhost',
    `x-auth-token: ${token}`,
    'content-type: application/json',
    ...more,
  ]
    .map((line) => `${line}\r\n`)
    .join('')
    .concat('\r\n');

const stored = async (doors: Doors, id: string) => {
  const device = doors.directory.device(id)?.number as number;
  return (await doors.store.read('ledger', { device, limit: 1 }))?.readings.stored;
};

test('a body that takes its time delivers nothing where its token was revoked meanwhile', async ({
  doors,
  logger,
}) => {
  const { socket, said } = await open(doors);
  socket.write(head(logger.token.secret, 'content-length: 7', 'expect: 100-continue'));
  await until(() => said().includes('100 Continue'), 'the word to go on');
  await doors.organisation.deleteDeviceCredential({ device: logger.id, credential: logger.token.id });
  socket.write('{"a":1}');
  await until(() => said().includes('unauthenticated'), 'a refusal');
  assert.match(said(), 'HTTP/1.1 401');
  assert.is(await stored(doors, logger.id), 0);
  socket.destroy();
});

test('a body without end is cut off at its limit, and one whose token is wrong is not read at all', async ({
  doors,
  logger,
}) => {
  for (const [token, code] of [
    [logger.token.secret, 'body-too-large'],
    [`lld_${randomBytes(32).toString('base64url')}`, 'unauthenticated'],
  ] as const) {
    const { socket, said } = await open(doors);
    socket.write(head(token, 'transfer-encoding: chunked'));
    const piece = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, '9'), Buffer.from('\r\n')]);
    for (let sent = 0; sent < 16 && !said().includes(code) && socket.writable; sent++) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    await until(() => said().includes(code), code);
    socket.destroy();
  }
});

test('many deliveries on one connection are bounded, and each is answered by what became of it', async ({
  doors,
  logger,
}) => {
  const { socket, said } = await open(doors);
  const body = JSON.stringify({
    a: 'x'.repeat(200),
    ...Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`s${index}`, 'y'.repeat(200)])),
  });
  assert.ok(body.length > 150_000 && body.length < limits.batchBytes);
  const count = 60;
  const request = head(logger.token.secret, `content-length: ${body.length}`) + body;
  for (let sent = 0; sent < count; sent++) socket.write(request);
  const answers = () => [...said().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  await until(() => answers().length === count, `${count} answers`, 30_000);
  const taken = answers().filter((status) => status === 200).length;
  assert.ok(taken >= Math.floor(limits.httpsDeviceBytes / body.length / 2), `${taken} taken`);
  assert.equal(
    [...new Set(answers())].filter((status) => status !== 200 && status !== 503),
    [],
  );
  assert.is(await stored(doors, logger.id), taken * 901, 'what was not answered with 200 is not there');
  socket.destroy();
});

test('small bombs by the thousand, sent before the first is answered, blow up a bounded number at a time', async ({
  doors,
  logger,
}) => {
  const { socket, said } = await open(doors);
  const bomb = gzipSync(Buffer.alloc(limits.batchInflatedBytes + 1));
  const request = Buffer.concat([
    Buffer.from(head(logger.token.secret, 'content-encoding: gzip', `content-length: ${bomb.length}`)),
    bomb,
  ]);
  const count = 1000;
  const before = process.memoryUsage().rss;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - before);
  }, 5);
  for (let sent = 0; sent < count; sent++) socket.write(request);
  const answers = () => [...said().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  await until(() => answers().length === count, `${count} answers`, 60_000);
  clearInterval(watch);
  assert.equal([...new Set(answers())].sort(), [413, 503]);
  assert.ok(most < 300 * 1024 * 1024, `${Math.round(most / 1024 / 1024)} MB`);
  socket.destroy();
});

test('nonsense gets a named answer', async ({ doors, logger }) => {
  const token = logger.token.secret;
  const nonsense: [string, RegExp][] = [
    [`${head(token, 'content-length: 7', 'content-length: 8')}{"a":1}`, /HTTP\/1.1 400/],
    [head(token, 'content-length: -1'), /HTTP\/1.1 400/],
    [head(token, 'transfer-encoding: chunked', 'content-length: 5'), /HTTP\/1.1 400/],
    [`${head(token, 'transfer-encoding: chunked')}zz\r\n`, /HTTP\/1.1 400/],
    [`${head(token, `x-auth-token: ${token}`, 'content-length: 7')}{"a":1}`, /HTTP\/1.1 401/],
    [
      `${head(token, `idempotency-key: a`, 'idempotency-key: b', 'content-length: 7')}{"a":1}`,
      /HTTP\/1.1 400/,
    ],
    [head('x'.repeat(20_000)), /HTTP\/1.1 431/],
    [`${head(token, 'expect: the-moon', 'content-length: 7')}{"a":1}`, /HTTP\/1.1 417/],
    [
      `${head(token, 'upgrade: websocket', 'connection: upgrade', 'content-length: 7')}{"a":1}`,
      /HTTP\/1.1 (200|4\d\d)/,
    ],
  ];
  for (const [bytes, answer] of nonsense) {
    const { socket, said } = await open(doors);
    socket.write(bytes);
    await until(
      () => answer.test(said()),
      `${answer} to ${bytes.slice(0, 200)}; it said ${said().slice(0, 300)}`,
    );
    socket.destroy();
  }
});

test('who guesses tokens is held back; a device at the same address that has its token is not', async ({
  doors,
  logger,
}) => {
  const headers = { 'content-type': 'application/json' };
  const guess = () =>
    ask(doors, { ...headers, 'x-auth-token': `lld_${randomBytes(32).toString('base64url')}` }, '{"a":1}');
  const statuses = new Set<number>();
  for (let tries = 0; tries < 80 && !statuses.has(429); tries++) statuses.add((await guess()).status);
  assert.equal([...statuses], [401, 429]);
  const held = await guess();
  assert.ok(Number(held.headers['retry-after']) >= 1);
  assert.is((await ask(doors, { ...headers, 'x-auth-token': logger.token.secret }, '{"a":1}')).status, 200);
  await doors.authentications.flush();
  const { items } = await doors.organisation.listAudit({ query: { limit: 200 } });
  assert.is(
    items.filter(({ action, actor }) => action === 'device-credential.use' && actor.id === logger.id).length,
    1,
    'its use is told of',
  );
});

test.run();
