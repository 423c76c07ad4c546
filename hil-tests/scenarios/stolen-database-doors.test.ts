// @long
// Whoever steals the cloud's database, and its key, opens nothing with what stands in it: no door for people and programs.
import { createHash } from 'node:crypto';
import { deviceCookie, sessionCookie } from '@loadline/sdk/api';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { Secret, TOTP } from 'otpauth';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../inhabited/caller.ts';
import { connects, post, sayLine } from './device-doors.ts';
import { columnBytes } from './needles.ts';
import { device, guess, type RobbedCloud, robbedCloud } from './robbed-cloud.ts';
import { columnsIn, shown, tried, valuesIn } from './thief.ts';

const test = suite('with a stolen database');

let robbed: RobbedCloud;

test.before(async () => {
  robbed = await robbedCloud();
});
test.after(() => robbed?.end());

const statusOf = ({ status }: { status: number }) => status;

test('no value in it is a session, a token, or a link', async () => {
  const values = valuesIn(robbed.dump());
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
  assert.equal(Object.keys(await tried(robbed.site.cloud, values, session)), ['401']);
  assert.equal(Object.keys(await tried(robbed.site.cloud, values, bearer)), ['401']);
  assert.equal(Object.keys(await tried(robbed.site.cloud, ofLinks, read)), ['404']);
  assert.equal(Object.keys(await tried(robbed.site.cloud, ofLinks, keep)), ['404']);

  // The doors were open to who has what was handed out.
  const caller = new Caller({ cloud: robbed.site.cloud });
  assert.is(await session(caller, robbed.site.chief.caller.session ?? ''), 200);
  assert.is(await bearer(caller, robbed.token), 200);
  const unused = await tried(robbed.site.cloud, robbed.links, read);
  assert.ok((unused['200'] ?? 0) > 10, JSON.stringify(unused));
  caller.close();
});

test('no value in it is a password, a code of a second factor, a recovery code, or a device that is known', async () => {
  const tables = robbed.dump();
  const row = tables.get('person')?.find(({ id }) => id === robbed.victim.person.id) ?? {};
  const { cloud, chief } = robbed.site;
  const values = Object.values(row)
    .filter((value) => typeof value === 'string')
    .flatMap(shown);
  const log = (caller: Caller, password: string) =>
    caller.call('logIn', { body: { email: robbed.victim.person.email, password } }).then(statusOf);
  // The ceiling of one account is 30 wrong passwords from everywhere: the password's own hash first.
  const passwords = [...new Set([...shown(row.password_hash), ...values])].slice(0, 25);
  assert.equal(Object.keys(await tried(robbed.site.cloud, passwords, log, 3)), ['401']);

  // What stands for the second factor, as the secret of one; and the hashes of recovery codes, as codes.
  const sealed = String(row.factor_secret);
  const codes = [sealed, ...sealed.split('.')]
    .flatMap((part) => [Buffer.from(part), Buffer.from(part, 'base64url'), hashOf(part)])
    .filter((bytes) => bytes.length > 0)
    .map((bytes) => new TOTP({ secret: new Secret({ buffer: Uint8Array.from(bytes).buffer }) }).generate());
  const hashes = (tables.get('recovery_code') ?? [])
    .filter(({ person }) => person === robbed.victim.person.id)
    .flatMap(({ code_hash }) => shown(code_hash));
  const statuses = new Set<number>();
  for (const code of [...codes, ...hashes.map((hash) => hash.slice(0, 40))]) {
    statuses.add((await robbed.victim.pending.call('confirmSecondFactor', { body: { code } })).status);
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

  const right = await robbed.victim.pending.call('confirmSecondFactor', {
    body: { code: robbed.victim.recoveryCodes[0] ?? '' },
  });
  assert.is(right.status, 200, right.body);
  assert.is(await log(new Caller({ cloud }), robbed.victim.person.password), 200);
});

const hashOf = (value: string | Uint8Array) => createHash('sha256').update(value).digest();

/** Ends every block of the organisation: wrong codes are to be judged, not held up. */
async function unblock(): Promise<void> {
  const { caller } = robbed.site.chief;
  const { items } = await caller.get('listBlocks', { organisation: 'first' });
  for (const { id } of items) await caller.get('deleteBlock', { organisation: 'first', block: id });
}

test('no value in it opens a link to the MQTT door, or enrols a gateway', async () => {
  const tables = robbed.dump();
  const { cloud } = robbed.site;
  const row = tables.get('application_key')?.find(({ id }) => id === robbed.key.id) ?? {};
  const candidates = Object.values(row)
    .filter((value) => value !== null)
    .flatMap(shown);
  const link = (secret: string) => connects(cloud, { id: robbed.key.id, secret });
  const said = new Set<string>();
  for (const secret of [...new Set([...candidates, hashOf(robbed.key.id).toString('base64url')])])
    said.add(await link(secret));
  assert.equal([...said], ['refused']);
  assert.is(await link(robbed.key.secret), 'in');

  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const body = createSigningRequest({ commonName: 'mast-2', signer }).replace(/-----.*-----/g, '');
  const enrol = async (caller: Caller, secret: string) => {
    const authorization = `Basic ${Buffer.from(`mast-2:${secret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/pkcs10' };
    return statusOf(
      await caller.send({ method: 'POST', path: '/.well-known/est/simpleenroll', headers, body }),
    );
  };
  const hashes = valuesIn(tables, ['enrolment']);
  assert.ok(hashes.length > 3);
  assert.equal(Object.keys(await tried(cloud, hashes, enrol)), ['403']);
  assert.is(await enrol(new Caller({ cloud }), robbed.unspent), 200);
});

test('no value in it delivers for a device: in a header, by MQTT, in a line, or as what signs one', async () => {
  const tables = robbed.dump();
  const { cloud } = robbed.site;
  const { token, key, 'socket-token': socketToken, 'socket-key': socketKey } = robbed.credentials;
  const sums = await robbed.site.chief.caller.get('getOrganisationLedger', { organisation: 'first' });

  const values = valuesIn(tables);
  assert.ok(values.some((value) => value === token.id));
  const header = (caller: Caller, value: string) =>
    caller
      .send({
        method: 'POST',
        path: '/ingest/v1',
        headers: { 'x-auth-token': value, 'content-type': 'application/json' },
        body: '{"temp":1}',
      })
      .then(statusOf);
  assert.equal(Object.keys(await tried(cloud, values, header)), ['401']);

  // Who knows a key's id has its row, and those of all others.
  const ofCredentials = valuesIn(tables, ['device_credential', 'fleet']);
  const passwords = [...new Set([...ofCredentials, hashOf(key.id).toString('base64url')])];
  const clients = await tried(cloud, passwords, (_, secret) =>
    connects(cloud, { id: key.id, secret }, device),
  );
  assert.equal(Object.keys(clients), ['refused']);

  const tokens = valuesIn(tables, ['device_credential', 'device', 'fleet', 'once', 'application_key']);
  const inLines = tokens.filter((value) => /^[\w-]{16,128}$/.test(value));
  assert.ok(inLines.length > 20, String(inLines.length));
  const said = await tried(cloud, inLines, (_, value) => sayLine(cloud, 'tcp', `LL1 ${value} temp=1`));
  assert.equal(Object.keys(said), ['ERR unauthenticated']);

  let counter = 100;
  const signs = (secret: Uint8Array) =>
    sayLine(
      cloud,
      'tcp',
      writeSignedLine({ id: socketKey.id, secret }, counter++, [{ name: 'temp', value: 1 }]),
    );
  const columns = columnsIn(tables, ['device_credential', 'fleet', 'once']).map((value) =>
    Buffer.from(columnBytes(value)),
  );
  const made = columns.flatMap((bytes) => [bytes, hashOf(bytes), Buffer.from(bytes.toString(), 'base64url')]);
  const keys = [...new Set(made.filter(({ length }) => length > 0).map((bytes) => bytes.toString('hex')))];
  const signed = await tried(cloud, keys, (_, hex) => signs(Buffer.from(hex, 'hex')));
  assert.equal(Object.keys(signed), ['ERR unauthenticated']);

  const after = await robbed.site.chief.caller.get('getOrganisationLedger', { organisation: 'first' });
  assert.equal(after, sums, 'nothing of it was taken in, or kept');

  // The doors were open to who has what was handed out.
  assert.is(await post(cloud, token.secret), 200);
  assert.is(await connects(cloud, key, device), 'in');
  assert.is(await sayLine(cloud, 'tcp', `LL1 ${socketToken.secret} temp=1`), 'OK 1');
  assert.is(await signs(socketSecret(socketKey.secret)), 'OK 1');
});

test.run();
