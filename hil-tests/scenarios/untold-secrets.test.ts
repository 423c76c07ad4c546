// @long
// What devices prove themselves by is told to nobody: not by logs, metrics, refusals, the audit log, or what is kept of
// deliveries that were refused, also where it was put into an address, a body or a name.
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, Caller, codeOf } from '../inhabited/caller.ts';
import { CloudProcess, freeSocketPorts } from '../system/index.ts';
import { LineClient } from '../system/line-client.ts';
import { connects, deviceLink, post, sayLine } from './device-doors.ts';
import { columnBytes, formsOf, foundIn, type Needle } from './needles.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('secrets of devices');

type Kind = keyof Credentials;
const kinds: readonly Kind[] = ['token', 'key', 'socket-token', 'socket-key'];
const device = 'hut';

let temporary: TemporaryCloud;
let credentials: Credentials;
let apiToken: string;
let needles: Needle[];
/** MACs that were sent: whoever has one has a line that is good once. */
const macs: string[] = [];
/** Everything that was answered, by any door. */
const answers: string[] = [];
let addressed: { path: string; answer: Answer }[];

const secretsOf = () => [...kinds.map((kind) => credentials[kind].secret), apiToken];
const hidden = (text: string) => foundIn(Buffer.from(text), needles);

/** Bytes of a request as they are: what no library would send. */
async function raw(bytes: string): Promise<string> {
  const { httpsPort: port, authorityPem: ca } = temporary.cloud;
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca });
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  let said = '';
  for await (const piece of socket.setEncoding('latin1')) said += piece;
  return said;
}

/** Puts each secret where an address has room for one. */
async function putInAddresses(): Promise<{ path: string; answer: Answer }[]> {
  const caller = new Caller({ cloud: temporary.cloud, token: apiToken });
  const done: { path: string; answer: Answer }[] = [];
  for (const secret of secretsOf()) {
    const escaped = [...secret].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('');
    for (const path of [
      `/ingest/v1?token=${secret}`,
      `/ingest/v1?a=1&X-Auth-Token=${secret}`,
      `/ingest/v1/${secret}`,
      `/ingest/${escaped}`,
      `/ingest/v1?q=${escaped}`,
      `/api/v1/organisations/first/devices?token=${secret}`,
      `/api/v1/organisations/first/devices/${device}/readings?access_token=${secret}`,
      `/api/v1/organisations/${secret}/devices`,
      `/api/v1/${secret}`,
      `/.well-known/est/simpleenroll?secret=${secret}`,
      `/${secret}`,
    ]) {
      for (const method of ['GET', 'POST'] as const) {
        const body =
          method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
        const answer = await caller.send({ method, path, ...body });
        done.push({ path: path.replace(secret, '<secret>').replace(escaped, '<escaped>'), answer });
        answers.push(JSON.stringify([answer.headers, answer.body]));
      }
    }
    answers.push(
      await raw(
        `POST /ingest/v1 HTTP/1.1\r\nhost: x\r\nx-auth-token: ${secret}\r\nx-auth-token: ${secret}\r\ncontent-length: -1\r\n\r\n`,
      ),
    );
    answers.push(await raw(`${secret} / HTTP/1.1\r\n\r\n`));
    answers.push(
      await raw(`GET https://${secret}@localhost/ingest/v1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
    );
  }
  caller.close();
  return done;
}

/** Delivers at each door what is good, and what is refused. */
async function deliver(): Promise<void> {
  const { cloud } = temporary;
  const { token, key, 'socket-token': socketToken, 'socket-key': socketKey } = credentials;
  await post(cloud, token.secret);
  const caller = new Caller({ cloud });
  const headers = { 'x-auth-token': token.secret, 'content-type': 'application/json' };
  answers.push((await caller.send({ method: 'POST', path: '/ingest/v1', headers, body: '{"a":' })).body);
  for (const secret of secretsOf()) {
    const wrong = { ...headers, 'x-auth-token': `${secret}x`, authorization: `Bearer ${secret}` };
    answers.push(
      (await caller.send({ method: 'POST', path: '/ingest/v1', headers: wrong, body: '{}' })).body,
    );
    // As the user of a CONNECT, and its password: neither is anybody's.
    assert.is(await connects(cloud, { id: secret, secret }, device), 'refused');
  }
  caller.close();
  const link = await deviceLink(cloud, device, key);
  await link.client.publishAsync(`v1/dev/${device}/json`, 'no json', { qos: 1 });
  link.close();
  answers.push(link.said);
  const signing = { id: socketKey.id, secret: socketSecret(socketKey.secret) };
  const signed = [1, 2].map((value) => writeSignedLine(signing, 7, [{ name: 'temp', value }]));
  macs.push(...signed.map((line) => line.slice(-16)));
  for (const transport of ['tcp', 'tls', 'udp'] as const) {
    for (const line of [
      ...signed,
      `LL1 ${socketToken.secret} temp=no-reading`,
      `LL1 ${socketToken.secret}`,
      `LL1 ${token.secret} temp=1`,
      `LL2 ${socketToken.secret} temp=1`,
      `LL1 ${socketToken.secret} #${socketToken.secret} temp=1`,
    ]) {
      answers.push(await sayLine(cloud, transport, line));
    }
  }
  const long = await LineClient.tcp(cloud.socketPorts.tcp);
  answers.push(await long.ask(`LL1 ${socketToken.secret} ${'x'.repeat(5000)}`));
  long.close();
}

test.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts, metrics: true });
  const { organisation, service } = temporary.cloud;
  await organisation.patchOrganisation({ body: { sockets: 'all' } });
  credentials = await takeInSoftware(temporary.cloud, device);
  apiToken = (await organisation.createToken({ body: { name: 'a token', scopes: ['all.*'], days: 1 } }))
    .value;
  service.watchFor(apiToken, 'an API token');
  needles = secretsOf().flatMap((secret, at) => {
    const bytes = Buffer.from(secret.replace(/^[a-z]{2,8}_/, ''), 'base64url');
    const name = kinds[at] ?? 'an API token';
    return [...formsOf(name, Buffer.from(secret)), ...formsOf(`${name} (its bytes)`, bytes)];
  });
  addressed = await putInAddresses();
  await deliver();
});
test.after(() => temporary.end());

test('one in an address is refused with the reason, wherever it stands, and does nothing', async () => {
  for (const { path, answer } of addressed) {
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
    if (path.startsWith('/ingest')) assert.is(codeOf(answer), 'token-in-url', path);
  }
});

test('no answer holds one', () => {
  assert.ok(answers.length > 100);
  for (const answer of answers) assert.equal(hidden(answer), [], answer.slice(0, 200));
});

test('no log and no metric holds one', async () => {
  const { metricsPort } = await temporary.cloud.service.line('listening');
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.ok(metrics.includes('# TYPE'));
  assert.equal(hidden(metrics), []);
  const log = readFileSync(temporary.logFile, 'utf8');
  assert.match(log, 'request-refused');
  assert.equal(hidden(log), []);
  for (const mac of macs) assert.not.match(log, mac);
});

test('neither the audit log nor what is kept of refused deliveries holds one, nor a signature', async () => {
  const { organisation } = temporary.cloud;
  const audit: unknown[] = [];
  for await (const entry of organisation.each('listAudit')) audit.push(entry);
  assert.ok(audit.length > 10);
  assert.equal(hidden(JSON.stringify(audit)), []);
  const { items } = await organisation.listRejections({ device });
  assert.ok(items.length >= 4, String(items.length));
  for (const { id } of items) {
    const { payload, ...rest } = await organisation.getRejection({ device, rejection: id });
    const bytes = Buffer.from(payload, 'base64').toString('latin1');
    assert.equal(hidden(bytes + JSON.stringify(rest)), [], bytes);
    for (const mac of macs) assert.not.match(bytes, mac);
  }
  assert.ok(items.some(({ channel }) => channel === 'readings'));
});

test('nor does anything that is stored; and what is looked for would be found', () => {
  const database = openStateDatabase(temporary.state);
  for (const [table, rows] of allRows(database)) {
    const values = rows.flatMap((row) => Object.values(row).map((value) => Buffer.from(columnBytes(value))));
    assert.equal(foundIn(Buffer.concat(values), needles), [], table);
  }
  database.close();
  for (const secret of secretsOf()) assert.ok(hidden(`…${secret}…`).length > 0);
});

test('a cloud’s log that held one would fail whatever test started it', async () => {
  const { service } = await CloudProcess.start({ state: `${temporary.folder}/another` });
  service.watchFor(String((await service.line('listening')).httpsPort), 'something that its log does hold');
  await service.stop().then(
    () => assert.unreachable('nobody noticed'),
    (error: Error) => assert.match(error.message, 'its log holds something that its log does hold'),
  );
});

test.run();
