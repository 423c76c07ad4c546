import { request } from 'node:https';
import { CloudClient, CloudError } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, theirs, until } from '../test-doors.ts';

const test = suite('API tokens at the HTTPS door');

let doors: Doors;
test.before(async () => {
  doors = await openDoors();
});
test.after(() => doors.close());

async function made(scopes: string[], over: object = {}) {
  return await doors.organisation.createToken({ body: { name: 'script', scopes, days: 30, ...over } });
}

function bearer(token: string) {
  const url = `https://localhost:${doors.https.port}`;
  return new CloudClient({ url, authorityPem: doors.authorityPem, token }).organisation('first');
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CloudError) return `${error.status} ${error.code}`;
    throw error;
  }
  return 'done';
}

/** A GET as it is on the wire, and how it was answered. */
async function get(path: string, token: string) {
  return await new Promise<{ status: number; headers: Record<string, unknown>; ended: () => boolean }>(
    (resolve, reject) => {
      let ended = false;
      const options = { host: 'localhost', port: doors.https.port, path, ca: doors.authorityPem };
      request({ ...options, headers: { authorization: `Bearer ${token}` } }, (answer) => {
        answer.resume();
        answer.on('close', () => {
          ended = true;
        });
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, ended: () => ended });
      })
        .on('error', reject)
        .end();
    },
  );
}

test('a token opens what it was made for, and the rest is forbidden', async () => {
  const { value } = await made(['devices.get', 'device.get']);
  const client = bearer(value);
  assert.is((await client.getDevice({ device: ours })).id, ours);
  assert.is(await refusalOf(client.patchDevice({ device: ours, body: { name: 'x' } })), '403 forbidden');
  assert.is(await refusalOf(client.getDevice({ device: theirs })), '404 not-found');
  const elsewhere = new CloudClient({
    url: `https://localhost:${doors.https.port}`,
    authorityPem: doors.authorityPem,
    token: value,
  }).organisation('second');
  assert.is(await refusalOf(elsewhere.getDevice({ device: theirs })), '404 not-found');
});

test('what is wrong with a token is not told: one answer, which names Bearer', async () => {
  const { id, value } = await made(['device.get']);
  await doors.organisation.deleteToken({ token: id });
  const [head = '', ...rest] = value.split('.');
  const answers = [];
  for (const token of [value, `${head}.${rest.join('.')}`.replace(/.$/, 'A'), 'x', 'e30.e30.e30.e30.e30']) {
    const { status, headers } = await get('/api/v1/organisations/first/devices', token);
    answers.push(`${status} ${headers['www-authenticate']}`);
  }
  assert.equal(
    answers,
    answers.map(() => '401 Bearer error="invalid_token"'),
  );
});

test('a live stream ends within two seconds of the end of its token', async () => {
  const ends = [
    (token: string) => doors.organisation.deleteToken({ token }),
    (token: string) => doors.organisation.patchToken({ token, body: { status: 'inactive' } }),
  ];
  for (const end of ends) {
    const { id, value } = await made(['live.get']);
    const stream = await get('/api/v1/organisations/first/live', value);
    assert.is(stream.status, 200);
    await end(id);
    await until(stream.ended, 'the end of the stream', 2000);
  }
});

test('tokens, applications and keys are made, listed, changed and ended; secrets are shown once', async () => {
  const token = await made(['all.read'], { devices: [ours], tags: ['25DF'] });
  const application = await doors.organisation.createApplication({
    body: { name: 'board', devices: [ours] },
  });
  const at = { application: application.id };
  const key = await doors.organisation.createApplicationKey({ ...at, body: { name: 'k', topics: ['#'] } });
  const shown = JSON.stringify([
    await doors.organisation.getToken({ token: token.id }),
    await doors.organisation.listTokens({}),
    await doors.organisation.listApplications({}),
    await doors.organisation.getApplication(at),
    await doors.organisation.listApplicationKeys(at),
    await doors.organisation.getApplicationKey({ ...at, key: key.id }),
  ]);
  for (const id of [token.id, application.id, key.id]) assert.ok(shown.includes(id));
  for (const secret of [token.value, key.secret]) assert.not(shown.includes(secret));
  const renamed = await doors.organisation.patchApplication({ ...at, body: { name: 'wall' } });
  assert.equal([renamed.name, renamed.devices], ['wall', [ours]]);
  await doors.organisation.deleteApplicationKey({ ...at, key: key.id });
  const again = { ...at, key: key.id, body: { status: 'active' } } as const;
  assert.is(await refusalOf(doors.organisation.patchApplicationKey(again)), '409 conflict');
  await doors.organisation.deleteApplication(at);
  assert.is(await refusalOf(doors.organisation.getApplication(at)), '404 not-found');
});

test('a token gives no more than it has', async () => {
  const { value } = await made(['tokens.create', 'device.get', 'applications.create'], { devices: [ours] });
  const client = bearer(value);
  const body = { name: 'child', days: 365 };
  assert.is(
    await refusalOf(client.createToken({ body: { ...body, scopes: ['all.*'] } })),
    '403 more-than-own',
  );
  assert.is(
    await refusalOf(client.createApplication({ body: { name: 'all', devices: null } })),
    '403 more-than-own',
  );
  const child = await client.createToken({ body: { ...body, scopes: ['device.get'] } });
  assert.equal([child.devices, child.creator.name], [[ours], 'Ann']);
  assert.ok(Date.parse(child.expires) <= Date.now() + 30 * 86_400_000);
});

test('a filter of topics that is none is refused', async () => {
  const { id } = await doors.organisation.createApplication({ body: { name: 'filters' } });
  for (const topic of ['', 'a#', '#/a', 'a//b', '/a', '$SYS/#', 'a b', 'x'.repeat(201)]) {
    const call = doors.organisation.createApplicationKey({
      application: id,
      body: { name: 'k', topics: [topic] },
    });
    assert.is(await refusalOf(call), '400 request-invalid', topic);
  }
});

test.run();
