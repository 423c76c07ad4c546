// Whoever steals the cloud's files without its keys can read nothing, and log in nowhere.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { columnBytes, filesBelow, formsOf, foundBelow, foundIn, modeOf, type Needle } from './needles.ts';
import { ask, logIn } from './raw-https.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('a stolen database');

/** The unit of a sensor: it comes out of the store again, so it is in it. */
const unit = 'kN-6f1d-seen';

let temporary: TemporaryCloud;
/** What opens something: nowhere in a log or in the database. */
let secrets: Needle[];
/** A session that stands and an enrolment secret that is not spent yet. */
let token: string;
let unspent: string;

const text = (name: string, value: string) => formsOf(name, Buffer.from(value));

test.before(async () => {
  temporary = await temporaryCloud();
  const { cloud } = temporary;
  token = await logIn(cloud);
  await ask(cloud, {
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'operator', password: 'wrong-guess-8271' }),
  });
  const identity = await enrolIdentity(cloud, 'mast-1');
  unspent = (await cloud.organisation.createDevice({ body: { id: 'mast-2' } })).enrolmentSecret;
  const gateway = await connectGateway(cloud.mqttPort, identity);
  const batch = batchMaker({ readings: 100, series: 4 });
  const sensor = { tag: 0x1000, name: 'Hook', unit, simulated: true };
  await gateway.publishAsync(
    'v1/gw/mast-1/reported',
    JSON.stringify({ version: 1, runtime: 'test', sensors: [sensor] }),
    { qos: 1 },
  );
  for (let count = 0; count < 20; count++) {
    await gateway.publishAsync('v1/gw/mast-1/telemetry', Buffer.from(batch()), { qos: 1 });
  }
  gateway.end(true);
  secrets = [
    ...text('the password', cloud.login.password),
    ...text('a wrong password', 'wrong-guess-8271'),
    ...text('a session token', token),
    ...formsOf('the bytes of a session token', Buffer.from(token, 'base64url')),
    ...text('an enrolment secret', unspent),
    ...formsOf('the bytes of an enrolment secret', Buffer.from(unspent, 'base64url')),
    ...formsOf(
      'the database key',
      Buffer.from(readFileSync(join(temporary.state, 'database.key'), 'utf8').trim(), 'hex'),
    ),
  ];
});
test.after(() => temporary.end());

/** The database and all that the engine writes beside it. */
const databaseFiles = () =>
  filesBelow(temporary.state).filter((file) => basename(file).startsWith('loadline.db'));

test('without its key nothing in its files can be read: no table, no reading, no name, no secret', () => {
  const readable: Needle[] = [
    'SQLite format 3',
    'CREATE TABLE',
    'received_range',
    'enrolment',
    'secret_hash',
    'operator',
    'mast-1',
    'Hook',
    unit,
    '$argon2id$',
    'float32',
  ].map((name) => ({ name, bytes: Buffer.from(name) }));
  // A reading of this value, in the byte order of the batches: 12.5 twenty times over in every one.
  const reading = { name: 'readings', bytes: Buffer.from(new Float32Array([12.5, 12.5, 12.5, 12.5]).buffer) };
  const files = databaseFiles();
  assert.ok(
    files.some((file) => file.endsWith('-wal') && statSync(file).size > 0),
    String(files),
  );
  const needles = [...readable, reading, ...secrets];
  for (const file of files) {
    // The index of the log holds page numbers and no content, in the clear; it is searched like the others.
    assert.equal(foundIn(readFileSync(file), needles), [], file);
  }
});

test('the needles are found where they are: the control of the search', () => {
  const database = openStateDatabase(temporary.state);
  const values = [...allRows(database).values()].flat().flatMap((row) => Object.values(row));
  database.close();
  const holds = (needle: string) =>
    values.some((value) => foundIn(columnBytes(value), text('it', needle)).length > 0);
  assert.ok(holds(unit));
  assert.ok(holds('mast-1'));
  assert.ok(holds('$argon2id$'));
  assert.equal(foundIn(readFileSync(join(temporary.state, 'first-login.json')), secrets).length > 0, true);
});

test('with its key it still holds no token, no password and no enrolment secret, in no form', () => {
  const database = openStateDatabase(temporary.state);
  const tables = allRows(database);
  database.close();
  assert.is(tables.get('session')?.length, 2);
  assert.ok((tables.get('enrolment')?.length ?? 0) >= 1);
  for (const [table, rows] of tables) {
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        assert.equal(foundIn(columnBytes(value), secrets), [], `${table}.${column}`);
      }
    }
  }
});

test('nothing in it opens a session or enrols a gateway', async () => {
  const database = openStateDatabase(temporary.state);
  const tables = allRows(database);
  database.close();
  const forms = (value: unknown) => {
    const bytes = Buffer.from(columnBytes(value));
    return [
      bytes.toString('latin1'),
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
    ].filter((form) => /^[\x21-\x7e]+$/.test(form));
  };
  const tokens = (tables.get('session') ?? []).flatMap(({ token_hash }) => forms(token_hash));
  assert.ok(tokens.length >= 6);
  for (const form of tokens) {
    const { status } = await ask(temporary.cloud, { path: '/api/v1/session', token: form });
    assert.is(status, 401);
  }
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const body = createSigningRequest({ commonName: 'mast-2', signer }).replace(/-----.*-----/g, '');
  const enrol = async (secret: string) => {
    const authorization = `Basic ${Buffer.from(`mast-2:${secret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/pkcs10' };
    return (
      await ask(temporary.cloud, { method: 'POST', path: '/.well-known/est/simpleenroll', headers, body })
    ).status;
  };
  const row = tables.get('enrolment')?.find(({ gateway }) => gateway === 'mast-2');
  for (const form of forms(row?.secret_hash)) assert.is(await enrol(form), 403);
  assert.is(await enrol(unspent), 200);
  const [user] = tables.get('user') ?? [];
  const { status } = await ask(temporary.cloud, {
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: user?.name, password: user?.password_hash }),
  });
  assert.is(status, 401);
});

test('the log holds none of the secrets', () => {
  const log = readFileSync(temporary.logFile);
  assert.equal(foundIn(log, secrets), []);
  // It does say what happened.
  assert.ok(foundIn(log, text('it', 'gateway-enrolled')).length > 0);
  assert.ok(foundIn(log, text('it', 'login-refused')).length > 0);
});

test('the folder is its owner alone to enter, and what opens something is nobody else to read', () => {
  assert.is(modeOf(temporary.state), 0o700);
  assert.is(modeOf(join(temporary.state, 'authority')), 0o700);
  for (const file of filesBelow(temporary.state)) {
    const holdsSecret = foundIn(readFileSync(file), [...secrets, ...text('a key', 'PRIVATE KEY')]).length > 0;
    if (holdsSecret || basename(file) === 'database.key') assert.is(modeOf(file), 0o600, file);
    assert.is(modeOf(file) & 0o022, 0, `${file} can be written by others`);
  }
  // The key is apart from what it opens: whoever copies the database has not copied it.
  assert.equal(foundBelow(temporary.state, secrets.slice(-1), [join(temporary.state, 'database.key')]), []);
});

test('a copy of the database opens with its key, and with no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-stolen-'));
  try {
    for (const file of databaseFiles()) copyFileSync(file, join(folder, basename(file)));
    const key = join(folder, 'database.key');
    copyFileSync(join(temporary.state, 'database.key'), key);
    const opened = openStateDatabase(folder);
    assert.ok(allRows(opened).size > 5);
    opened.close();
    writeFileSync(key, '0'.repeat(64));
    assert.throws(() => allRows(openStateDatabase(folder)), /not a database/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
