// @time-limit 180 s
// Whoever steals the cloud's files can read nothing without its key, and with it opens nothing: no door, nowhere.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { deviceCookie, sessionCookie } from '@loadline/sdk/api';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { Secret, TOTP } from 'otpauth';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller, freshAddress } from '../inhabited/caller.ts';
import { linkUp } from '../inhabited/followers.ts';
import { elsewhere, enableFactor, type Person } from '../inhabited/person.ts';
import { inhabit, type Site } from '../inhabited/site.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { columnBytes, filesBelow, formsOf, foundBelow, foundIn, modeOf, type Needle } from './needles.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('a stolen database');

/** The unit of a sensor: it comes out of the store again, so it is in it. */
const unit = 'kN-6f1d-seen';

let temporary: TemporaryCloud;
let site: Site;
/** What opens something: nowhere in a log or in the database. */
let secrets: Needle[];
/** Every link that lies in a mail, used or not. */
let links: string[];
/** A whole account of its own: second factor, recovery codes, and a session that lacks the factor. */
let victim: { person: Person; secret: string; recoveryCodes: string[]; pending: Caller };
/** An enrolment secret that is not spent yet, and an application key. */
let unspent: string;
let key: { id: string; secret: string };
let token: string;

const text = (name: string, value: string) => formsOf(name, Buffer.from(value));
const guess = 'wrong-guess-8271-5521';

test.before(async () => {
  temporary = await temporaryCloud();
  const { cloud, state } = temporary;
  site = await inhabit(cloud, state);
  const { chief, loot, people } = site;
  const organisation = 'first';

  // It is lived in: passwords mistaken, forgotten and changed, codes used, a factor begun, keys made.
  await new Caller({ cloud, loot }).call('logIn', { body: { email: chief.email, password: guess } });
  await new Caller({ cloud, loot }).call('logIn', {
    body: { email: 'nobody@people.example', password: guess },
  });
  await new Caller({ cloud, loot }).get('requestPasswordReset', { body: { email: people.editor.email } });
  await people.viewer.caller.get('beginSecondFactor', { body: { password: people.viewer.password } });
  const person = await site.makers.first.person('own');
  const factor = await enableFactor(person);
  const entered = await elsewhere(site, person);
  await entered.get('confirmSecondFactor', { body: { code: factor.recoveryCodes[0] ?? '' } });
  victim = {
    person,
    ...factor,
    recoveryCodes: factor.recoveryCodes.slice(1),
    pending: await elsewhere(site, person),
  };
  const { id: application } = await chief.caller.get('createApplication', {
    organisation,
    body: { name: 'An application' },
  });
  key = await chief.caller.get('createApplicationKey', { organisation, application, body: { name: 'key' } });
  (await linkUp(cloud, key, freshAddress())).close();
  token = (
    await people.administrator.caller.get('createToken', {
      organisation,
      body: { name: 'a token', scopes: ['all.*'], days: 1 },
    })
  ).value;

  const identity = await enrolIdentity(cloud, 'mast-1');
  const offered = await chief.caller.get('createDevice', { organisation, body: { id: 'mast-2' } });
  unspent = offered.enrolmentSecret;
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

  await site.mails.link('password-reset', people.editor.email);
  links = await site.mails.links();
  for (const link of links) loot.add('link', link);
  const rings = JSON.parse(readFileSync(join(state, 'keys.json'), 'utf8')).rings as Record<
    string,
    { key: string }[]
  >;
  secrets = [
    ...loot.needles(),
    ...Object.values(rings)
      .flat()
      .flatMap(({ key }) => [
        ...text('a key of keys.json', key),
        ...formsOf('the bytes of a key of keys.json', Buffer.from(key, 'base64url')),
      ]),
    ...formsOf(
      'the database key',
      Buffer.from(readFileSync(join(state, 'database.key'), 'utf8').trim(), 'hex'),
    ),
  ];
});
test.after(async () => {
  site?.close();
  await temporary.end();
});

/** The database and all that the engine writes beside it. */
const databaseFiles = () =>
  filesBelow(temporary.state).filter((file) => basename(file).startsWith('loadline.db'));

/** Every row of every table, as a thief who has the key reads them. */
function dump(): Map<string, Record<string, unknown>[]> {
  const database = openStateDatabase(temporary.state);
  const tables = allRows(database);
  database.close();
  return tables;
}

test('secrets of every kind were handed out: the control of what is looked for', () => {
  const kinds = new Set(site.loot.secrets.map(({ kind }) => kind));
  assert.equal([...kinds].sort(), [
    'application-secret',
    'device-cookie',
    'enrolment',
    'link',
    'password',
    'recovery-code',
    'session',
    'token',
    'totp',
  ]);
  assert.ok(site.loot.of('password').includes(guess));
});

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
    'people.example',
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

/** All columns of a table as bytes, apart from each other. */
function bytesOf(rows: readonly Record<string, unknown>[]): Buffer {
  const values = rows.flatMap((row) => Object.values(row).map((value) => Buffer.from(columnBytes(value))));
  return Buffer.concat(values.flatMap((value) => [value, Buffer.of(0, 10, 0)]));
}

test('the needles are found where they are: the control of the search', () => {
  const everything = Buffer.concat([...dump().values()].map(bytesOf));
  for (const word of [unit, 'mast-1', '$argon2id$', 'people.example']) {
    assert.ok(foundIn(everything, text('it', word)).length > 0, word);
  }
  for (const { kind, value } of site.loot.secrets) {
    const planted = Buffer.from(`{"of":"${Buffer.from(`x${value}`).toString('base64')}"}`);
    assert.ok(foundIn(planted, secrets).length > 0, kind);
    assert.ok(foundIn(Buffer.from(`…${value}…`), secrets).length > 0, kind);
  }
});

test('with its key it still holds none of the secrets that were handed out or told, in no form', () => {
  const tables = dump();
  for (const name of [
    'person_session',
    'link',
    'enrolment',
    'recovery_code',
    'api_token',
    'application_key',
    'audit',
  ]) {
    assert.ok((tables.get(name)?.length ?? 0) > 0, name);
  }
  for (const [table, rows] of tables) assert.equal(foundIn(bytesOf(rows), secrets), [], table);
});

test('no log holds one, and no file of its folder but those that are there for it', () => {
  const log = readFileSync(temporary.logFile);
  assert.equal(foundIn(log, secrets), []);
  // It does say what happened.
  for (const event of ['gateway-enrolled', 'listening']) {
    assert.ok(foundIn(log, text('it', event)).length > 0, event);
  }
  const { state } = temporary;
  const meant = ['database.key', 'keys.json'].map((file) => join(state, file));
  const outbox = filesBelow(state).filter((file) => file.startsWith(join(state, 'outbox')));
  assert.equal(foundBelow(state, secrets, [...meant, ...outbox]), []);
});

test('a mail holds the one link that it is for, and nothing else that opens something', async () => {
  const others = site.loot.secrets.filter(({ kind }) => kind !== 'link');
  const mails = await site.mails.texts();
  assert.ok(mails.length > 20);
  const needles = others.flatMap(({ kind, value }) => text(kind, value));
  for (const mail of mails) {
    assert.equal(foundIn(Buffer.from(mail.text), needles), [], mail.kind);
    const held = links.filter((link) => mail.text.includes(link));
    assert.ok(held.length <= 1, `${mail.kind} has ${held.length} links`);
  }
  const holders = (link: string) => mails.filter((mail) => mail.text.includes(link)).length;
  assert.equal(
    links.filter((link) => holders(link) !== 1),
    [],
  );
});

/** The forms in which a value of a column could be shown at a door. */
function shown(value: unknown): string[] {
  const bytes = Buffer.from(columnBytes(value));
  const forms = ['latin1', 'hex', 'base64', 'base64url'] as const;
  return forms.map((form) => bytes.toString(form)).filter((form) => /^[\x21-\x7e]{6,1000}$/.test(form));
}

/** What the tables of people and credentials hold, in every form. */
function found(tables: ReadonlyMap<string, Record<string, unknown>[]>): string[] {
  const names = [
    ...['person', 'recovery_code', 'person_session', 'link', 'api_token', 'application', 'application_key'],
    ...['enrolment', 'block', 'access_grant'],
  ];
  const values = names.flatMap((name) => (tables.get(name) ?? []).flatMap((row) => Object.values(row)));
  return [...new Set(values.filter((value) => value !== null && typeof value !== 'number').flatMap(shown))];
}

/** Calls `attempt` with each value, a few at a time, by callers that nobody holds up; counts what it says. */
async function tried(
  values: readonly string[],
  attempt: (caller: Caller, value: string) => Promise<string | number>,
  callsEach = 20,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const queue = values.values();
  const lane = async () => {
    let caller = new Caller({ cloud: site.cloud, connections: 1 });
    let calls = 0;
    for (const value of queue) {
      if (calls++ % callsEach === 0) {
        caller.close();
        caller = new Caller({ cloud: site.cloud, connections: 1 });
      }
      const said = String(await attempt(caller, value));
      counts[said] = (counts[said] ?? 0) + 1;
    }
    caller.close();
  };
  await Promise.all([1, 2, 3, 4].map(lane));
  return counts;
}

const statusOf = ({ status }: { status: number }) => status;

test('no value in it is a session, a token, or a link', async () => {
  const values = found(dump());
  assert.ok(values.length > 200, String(values.length));
  const session = (caller: Caller, value: string) =>
    caller.call('getCaller', {}, { cookie: `${sessionCookie}=${value}` }).then(statusOf);
  const bearer = (caller: Caller, value: string) =>
    caller.call('getCaller', {}, { authorization: `Bearer ${value}` }).then(statusOf);
  const ofLinks = values.filter((value) => value.length <= 200);
  const read = (caller: Caller, secret: string) =>
    caller.call('readLink', { body: { secret } }).then(statusOf);
  const keep = (caller: Caller, secret: string) =>
    caller.call('keepSecondFactor', { body: { secret } }).then(statusOf);
  assert.equal(Object.keys(await tried(values, session)), ['401']);
  assert.equal(Object.keys(await tried(values, bearer)), ['401']);
  assert.equal(Object.keys(await tried(ofLinks, read)), ['404']);
  assert.equal(Object.keys(await tried(ofLinks, keep)), ['404']);

  // The doors were open to who has what was handed out.
  const caller = new Caller({ cloud: site.cloud });
  assert.is(await session(caller, site.chief.caller.session ?? ''), 200);
  assert.is(await bearer(caller, token), 200);
  const unused = await tried(links, read);
  assert.ok((unused['200'] ?? 0) > 10, JSON.stringify(unused));
  caller.close();
});

test('no value in it is a password, a code of a second factor, a recovery code, or a device that is known', async () => {
  const tables = dump();
  const row = tables.get('person')?.find(({ id }) => id === victim.person.id) ?? {};
  const { cloud, chief } = site;
  const values = Object.values(row)
    .filter((value) => typeof value === 'string')
    .flatMap(shown);
  const log = (caller: Caller, password: string) =>
    caller.call('logIn', { body: { email: victim.person.email, password } }).then(statusOf);
  // The ceiling of one account is 30 wrong passwords from everywhere: the password's own hash first.
  const passwords = [...new Set([...shown(row.password_hash), ...values])].slice(0, 25);
  assert.equal(Object.keys(await tried(passwords, log, 3)), ['401']);

  // What stands for the second factor, as the secret of one; and the hashes of recovery codes, as codes.
  const sealed = String(row.factor_secret);
  const codes = [sealed, ...sealed.split('.')]
    .flatMap((part) => [Buffer.from(part), Buffer.from(part, 'base64url'), hashOf(part)])
    .filter((bytes) => bytes.length > 0)
    .map((bytes) => new TOTP({ secret: new Secret({ buffer: Uint8Array.from(bytes).buffer }) }).generate());
  const hashes = (tables.get('recovery_code') ?? [])
    .filter(({ person }) => person === victim.person.id)
    .flatMap(({ code_hash }) => shown(code_hash));
  const statuses = new Set<number>();
  for (const code of [...codes, ...hashes.map((hash) => hash.slice(0, 40))]) {
    statuses.add((await victim.pending.call('confirmSecondFactor', { body: { code } })).status);
    await unblock();
  }
  assert.equal([...statuses], [403]);

  // A device cookie is made of nothing that stands here: with a value of the dump the owner's device is a stranger's.
  const device = new Caller({ cloud, connections: 1 });
  const answers = new Set<number>();
  for (const value of shown(row.id)) {
    const body = { email: chief.email, password: guess };
    answers.add((await device.call('logIn', { body }, { cookie: `${deviceCookie}=${value}` })).status);
  }
  device.close();
  assert.ok(!answers.has(200));

  const right = await victim.pending.call('confirmSecondFactor', {
    body: { code: victim.recoveryCodes[0] ?? '' },
  });
  assert.is(right.status, 200, right.body);
  assert.is(await log(new Caller({ cloud }), victim.person.password), 200);
});

const hashOf = (value: string) => createHash('sha256').update(value).digest();

/** Ends every block of the organisation: wrong codes are to be judged, not held up. */
async function unblock(): Promise<void> {
  const { caller } = site.chief;
  const { items } = await caller.get('listBlocks', { organisation: 'first' });
  for (const { id } of items) await caller.get('deleteBlock', { organisation: 'first', block: id });
}

test('no value in it opens a link to the MQTT door, or enrols a gateway', async () => {
  const tables = dump();
  const { cloud } = site;
  const row = tables.get('application_key')?.find(({ id }) => id === key.id) ?? {};
  const candidates = Object.values(row)
    .filter((value) => value !== null)
    .flatMap(shown);
  const link = (secret: string) =>
    linkUp(cloud, { id: key.id, secret }, freshAddress()).then(
      (open) => {
        open.close();
        return 'connected';
      },
      () => 'refused',
    );
  const said = new Set<string>();
  for (const secret of [...new Set([...candidates, hashOf(key.id).toString('base64url')])])
    said.add(await link(secret));
  assert.equal([...said], ['refused']);
  assert.is(await link(key.secret), 'connected');

  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const body = createSigningRequest({ commonName: 'mast-2', signer }).replace(/-----.*-----/g, '');
  const enrol = async (caller: Caller, secret: string) => {
    const authorization = `Basic ${Buffer.from(`mast-2:${secret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/pkcs10' };
    return statusOf(
      await caller.send({ method: 'POST', path: '/.well-known/est/simpleenroll', headers, body }),
    );
  };
  const secretHash = tables.get('enrolment')?.find(({ gateway }) => gateway === 'mast-2')?.secret_hash;
  assert.equal(Object.keys(await tried([...new Set(shown(secretHash))], enrol)), ['403']);
  assert.is(await enrol(new Caller({ cloud }), unspent), 200);
});

test('the folder is its owner alone to enter, and what opens something is nobody else to read', () => {
  assert.is(modeOf(temporary.state), 0o700);
  for (const folder of ['authority', 'outbox']) assert.is(modeOf(join(temporary.state, folder)), 0o700);
  for (const file of filesBelow(temporary.state)) {
    const holdsSecret = foundIn(readFileSync(file), [...secrets, ...text('a key', 'PRIVATE KEY')]).length > 0;
    if (holdsSecret || ['database.key', 'keys.json'].includes(basename(file))) {
      assert.is(modeOf(file), 0o600, file);
    }
    assert.is(modeOf(file) & 0o022, 0, `${file} can be written by others`);
  }
  // The keys are apart from what they open: whoever copies the database has not copied them.
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
