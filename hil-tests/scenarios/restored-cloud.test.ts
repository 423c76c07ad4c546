// @long
// @time-limit 300 s
// A cloud is lost and comes back from a backup: what was revoked meanwhile stays so, and nobody takes two clouds for one.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { gatewayTopic } from '@loadline/sdk/contract';
import type { MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller, freshAddress } from '../inhabited/caller.ts';
import { type Key, linkUp } from '../inhabited/followers.ts';
import { Mails } from '../inhabited/mails.ts';
import { codeAt, enableFactor, newPassword, type Person } from '../inhabited/person.ts';
import { until } from '../rig/index.ts';
import { CloudProcess, startCloudService } from '../system/index.ts';
import { connectGateway, enrolIdentity, enrolWith, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { cloudCommand as command } from './cloud-command.ts';
import { estConnection } from './est-connection.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('a restored cloud');

const organisation = 'first';

let temporary: TemporaryCloud;

/** What an answer of the HTTPS door, or an attempt at a CONNECT, came to. */
type Came = number | 'in' | 'refused';

async function connecting(attempt: Promise<{ end?: unknown; close?: () => void }>): Promise<Came> {
  return await attempt.then(
    (open) => {
      if ('close' in open && open.close !== undefined) open.close();
      else (open as MqttClient).end(true);
      return 'in';
    },
    () => 'refused',
  );
}

class Town {
  readonly cloud: CloudProcess;
  readonly mails: Mails;

  constructor(cloud: CloudProcess, state: string) {
    this.cloud = cloud;
    this.mails = new Mails(state);
  }

  caller(token?: string): Caller {
    return new Caller({ cloud: this.cloud, ...(token !== undefined && { token }) });
  }

  /** Sets a password by a link's secret, and logs in. */
  async enter(secret: string, email: string): Promise<Person> {
    const [caller, password] = [this.caller(), newPassword()];
    await caller.get('setPassword', { body: { secret, password } });
    await caller.get('logIn', { body: { email, password } });
    const { id } = await caller.get('getCaller', {});
    return { id, email, password, caller };
  }

  /** Takes somebody in, who comes by the mail. */
  async newcomer(chief: Caller, name: string): Promise<Person> {
    const email = `${name}@people.example`;
    await chief.get('createUser', {
      organisation,
      body: { email, name, role: 'viewer', reach: 'organisation' },
    });
    return await this.enter(await this.mails.link('invitation', email), email);
  }

  async logIn(email: string, password: string): Promise<Came> {
    return (await this.caller().call('logIn', { body: { email, password } })).status;
  }

  async ingest(secret: string): Promise<Came> {
    const headers = { 'x-auth-token': secret, 'content-type': 'application/json' };
    return (await this.caller().send({ method: 'POST', path: '/ingest/v1', headers, body: '{"temp": 21.5}' }))
      .status;
  }

  key(key: Key): Promise<Came> {
    return connecting(linkUp(this.cloud, key, freshAddress()));
  }

  gateway(identity: GatewayIdentity): Promise<Came> {
    return connecting(connectGateway(this.cloud.mqttPort, identity));
  }

  /** What a gateway is told that asks EST for its next certificate. */
  async renewal(identity: GatewayIdentity): Promise<string> {
    const est = await estConnection(this.cloud, identity);
    try {
      return await est.renew();
    } finally {
      est.close();
    }
  }
}

const fingerprintOf = ({ chainPem }: GatewayIdentity) =>
  new X509Certificate(chainPem).fingerprint256.replaceAll(':', '').toLowerCase();

test.before(async () => {
  temporary = await temporaryCloud();
});
test.after(() => temporary.end());

test('what was revoked after the backup opens nothing after the restore, on any door', async () => {
  const { folder, state } = temporary;
  const [backup, keys, restored] = ['backup', 'keys', 'restored'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const before = new Town(temporary.cloud, state);
  const login = temporary.cloud.login;
  const chief = before.caller();
  await chief.get('logIn', { body: login });

  const anna = await before.newcomer(chief, 'anna');
  const annas = before.caller();
  const { secret: factor } = await enableFactor(anna);
  await annas.call('logIn', { body: { email: anna.email, password: anna.password } });
  const bo = await before.newcomer(chief, 'bo');
  await chief.get('createUser', {
    organisation,
    body: { email: 'carl@people.example', name: 'Carl', role: 'viewer', reach: 'organisation' },
  });
  const carlsLink = await before.mails.link('invitation', 'carl@people.example');
  const token = await chief.get('createToken', {
    organisation,
    body: { name: 'nightly', scopes: ['all.read'], days: 9 },
  });
  const { id: application } = await chief.get('createApplication', { organisation, body: { name: 'board' } });
  const key = await chief.get('createApplicationKey', { organisation, application, body: { name: 'key' } });
  await chief.get('createDevice', { organisation, body: { id: 'soft', kind: 'software' } });
  const credential = await chief.get('createDeviceCredential', {
    organisation,
    device: 'soft',
    body: { kind: 'token', name: 'header' },
  });
  const mast = await enrolIdentity(temporary.cloud, 'mast');
  const crane = await enrolIdentity(temporary.cloud, 'crane');
  const winch = await enrolIdentity(temporary.cloud, 'winch');
  const board = { serialNumber: 'board-of-the-mast' };
  await chief.get('createVoucher', { organisation, body: board });
  const { enrolmentSecret } = await chief.get('createDevice', { organisation, body: { id: 'unborn' } });

  // They are good, or that they are refused afterwards would say nothing.
  const bearing = (town: Town) => town.caller(token.value).call('listDevices', { organisation });
  assert.is((await bearing(before)).status, 200);
  assert.is(await before.key(key), 'in');
  assert.is(await before.ingest(credential.secret), 200);
  for (const one of [mast, crane, winch]) assert.is(await before.gateway(one), 'in');
  assert.is(await before.logIn(bo.email, bo.password), 200);

  const made = await command('backup', '--state', state, '--to', backup, '--keys-to', keys, '--json');
  assert.is(made.code, 0, made.err);
  assert.match(made.err, /copied 100 %/);
  const drill = await command('restore', '--drill', '--from', backup, '--keys', keys);
  assert.is(drill.code, 0, drill.out);
  assert.match(drill.out, /the backup of .* is good/);

  // After the backup all of it is revoked, each in its own way; the link and the enrolment secret are used up.
  await chief.get('deleteUser', { organisation, user: bo.id });
  await chief.get('deleteToken', { organisation, token: token.id });
  await chief.get('deleteApplicationKey', { organisation, application, key: key.id });
  await chief.get('deleteDeviceCredential', { organisation, device: 'soft', credential: credential.id });
  await chief.get('patchDevice', { organisation, device: 'mast', body: { enabled: false } });
  await chief.get('revokeCertificate', { organisation, device: 'crane', certificate: fingerprintOf(crane) });
  const winchSince = await enrolIdentity(temporary.cloud, 'winch');
  assert.is(await before.gateway(winchSince), 'in', 'which ends the one before');
  // The board goes on to counters that the copy does not know.
  let { counter: lastCounter } = await chief.get('createVoucher', { organisation, body: board });
  ({ counter: lastCounter } = await chief.get('createVoucher', { organisation, body: board }));
  const changed = newPassword();
  await anna.caller.get('changePassword', { body: { current: anna.password, password: changed } });
  await before.caller().get('setPassword', { body: { secret: carlsLink, password: newPassword() } });
  const session = chief.session ?? '';
  await chief.get('logOut', {});
  assert.is((await bearing(before)).status, 401);
  assert.is(await before.key(key), 'refused');
  assert.is(await before.ingest(credential.secret), 401);
  for (const one of [mast, crane, winch]) assert.is(await before.gateway(one), 'refused');

  // The machine is gone.
  await temporary.cloud.service.stop();
  const back = await command('restore', '--from', backup, '--keys', keys, '--state', restored);
  assert.is(back.code, 0, back.err);

  // Fenced: it says so, at both doors, and takes nothing in.
  const fencedService = startCloudService({ state: restored });
  const listening = await fencedService.line('listening');
  try {
    const ports = { httpsPort: Number(listening.httpsPort), mqttPort: Number(listening.mqttPort) };
    const { authorityPem } = temporary.cloud;
    const door = new Caller({ cloud: { ...ports, authorityPem } });
    const answer = await door.call('logIn', { body: login });
    assert.is(answer.status, 503);
    assert.is(JSON.parse(answer.body).code, 'cloud-fenced');
    assert.is(answer.headers['retry-after'], '60');
    await connectGateway(ports.mqttPort, mast).then(
      () => assert.unreachable('a fenced cloud let a gateway in'),
      (error: Error) => assert.match(error.message, /unavailable/i),
    );
    // By either port: a CONNACK that says "server unavailable", and the end.
    for (const port of [ports.mqttPort, ports.httpsPort]) {
      assert.is(await connackOf(port, authorityPem), '20020003');
    }
    const refused = await command('restore', '--promote', '--state', restored);
    assert.is(refused.code, 2);
    assert.match(refused.err, /in use by another cloud/);
  } finally {
    await fencedService.stop();
  }

  const promoted = await command(
    'restore',
    '--promote',
    '--state',
    restored,
    '--trust',
    login.email,
    '--json',
  );
  assert.is(promoted.code, 0, promoted.err);
  const { counter, ended } = JSON.parse(promoted.out);
  assert.is(counter, 2);
  assert.ok(
    ended.sessions >= 3 && ended.apiTokensRevoked === 1 && ended.applicationKeysOff === 1,
    promoted.out,
  );
  assert.ok(
    ended.deviceCredentialsOff === 1 &&
      ended.devicesOff === 5 &&
      ended.certificatesHeld === 3 &&
      ended.enrolments >= 1,
    promoted.out,
  );
  const link = /#set-password=([\w-]+)/.exec(promoted.err)?.[1] ?? '';

  const service = startCloudService({ state: restored });
  try {
    const at = await service.line('listening');
    const cloud = Object.assign(Object.create(temporary.cloud), {
      httpsPort: Number(at.httpsPort),
      mqttPort: Number(at.mqttPort),
    }) as CloudProcess;
    const after = new Town(cloud, restored);

    const ghost = after.caller();
    ghost.session = session;
    assert.is((await ghost.call('getCaller', {})).status, 401, 'a session that was logged out');
    ghost.session = annas.session ?? '';
    assert.is((await ghost.call('getCaller', {})).status, 401, 'a session whose password was changed');
    assert.is(await after.logIn(anna.email, anna.password), 401, 'a password that was changed');
    assert.is(await after.logIn(bo.email, bo.password), 401, 'the password of who was removed');
    assert.is(await after.logIn(login.email, login.password), 401, 'the password of who is trusted');
    assert.is((await bearing(after)).status, 401, 'an API token');
    assert.is(await after.key(key), 'refused', 'an application key');
    assert.is(await after.ingest(credential.secret), 401, 'a token of a device');
    assert.is(await after.gateway(mast), 'refused', 'the certificate of a device that was switched off');
    const spent = await after
      .caller()
      .call('setPassword', { body: { secret: carlsLink, password: newPassword() } });
    assert.ok(spent.status >= 400, 'a link that was used');
    await enrolIdentityBy(after, enrolmentSecret).then(
      () => assert.unreachable('an enrolment secret was good again'),
      () => undefined,
    );

    // Who is trusted gets in by the link, and is what he was; nobody else is anything before he says so.
    const boss = await after.enter(link, login.email);
    const devices = await boss.caller.get('listDevices', { organisation });
    assert.equal(
      devices.items.map(({ id, enabled }) => [id, enabled]),
      ['crane', 'mast', 'soft', 'unborn', 'winch'].map((id) => [id, false]),
    );
    await after.caller().call('requestPasswordReset', { body: { email: bo.email } });
    const bos = await after.enter(await after.mails.link('password-reset', bo.email), bo.email);
    assert.is((await bos.caller.call('listDevices', { organisation })).status, 404);
    assert.equal((await bos.caller.get('listInvitations', {})).items, []);
    assert.is((await bos.caller.call('acceptInvitation', { organisation })).status, 404);

    await boss.caller.get('inviteUser', { organisation, user: anna.id });
    const annaAgain = await after.enter(await after.mails.link('invitation', anna.email), anna.email);
    assert.is((await annaAgain.caller.call('listDevices', { organisation })).status, 200);
    // Her second factor from before the backup is none any more: it may have been lost since.
    const code = await annaAgain.caller.call('confirmSecondFactor', { body: { code: codeAt(factor, 0) } });
    assert.ok(code.status >= 400);

    // That a device is switched on revives no certificate, whatever became of it after the backup.
    const readmitted = async (identity: GatewayIdentity) => {
      const certificate = fingerprintOf(identity);
      return (
        await boss.caller.call('readmitCertificate', { organisation, device: identity.id, certificate })
      ).status;
    };
    assert.is(await readmitted(mast), 409, 'its device is off');
    for (const one of [mast, crane, winch]) {
      await boss.caller.get('patchDevice', { organisation, device: one.id, body: { enabled: true } });
      assert.is(await after.gateway(one), 'refused', `the certificate of ${one.id}`);
      assert.is(await after.renewal(one), 'certificate-held-back');
    }
    assert.is(await after.renewal(winchSince), 'gateway-unknown', 'one that the copy does not know');
    // An administrator readmits one by name: it is let in, and hears of the new generation; no other is.
    assert.is(await readmitted(mast), 200);
    assert.is(await readmitted(mast), 409, 'there is nothing to readmit any more');
    const [readmission] = (await boss.caller.get('listAudit', { organisation, query: { limit: 1000 } })).items
      .filter(({ action }) => action === 'certificate.readmit')
      .filter(({ outcome }) => outcome === 'done');
    assert.is(readmission?.target?.id, fingerprintOf(mast));
    const client = await until(() => connectGateway(cloud.mqttPort, mast).catch(() => undefined), {
      what: 'the gateway that was switched on',
    });
    try {
      const said = new Promise<string>((resolve) =>
        client.once('message', (_topic, text) => resolve(text.toString())),
      );
      await client.subscribeAsync(gatewayTopic('mast', 'time'));
      await client.publishAsync(gatewayTopic('mast', 'clock'), JSON.stringify({ version: 1, sent: 5 }), {
        qos: 1,
      });
      assert.is(JSON.parse(await said).generation.counter, 2);
    } finally {
      client.end(true);
    }
    for (const one of [crane, winch]) assert.is(await after.gateway(one), 'refused', one.id);
    // One that enrols anew is in by that, and what was held back of it ends for good.
    const winchAgain = await enrolAnew(after, boss.caller, 'winch');
    assert.is(await after.gateway(winchAgain), 'in');
    assert.is(await after.renewal(winch), 'certificate-superseded');
    assert.is(await readmitted(winch), 409);
    // One that is held back can be revoked, too, and is not readmitted then.
    await boss.caller.get('revokeCertificate', {
      organisation,
      device: 'crane',
      certificate: fingerprintOf(crane),
    });
    assert.is(await after.renewal(crane), 'certificate-revoked');
    assert.is(await readmitted(crane), 409);
    // Vouchers are above what the lost cloud signed: by what the board says, and where nobody can ask it.
    const prepared = await boss.caller.get('createVoucher', { organisation, body: board });
    assert.ok(prepared.counter > lastCounter && prepared.expires !== null, `counter ${prepared.counter}`);
    const online = { ...board, nonce: 'a5'.repeat(16), counter: prepared.counter + 900 };
    assert.is(
      (await boss.caller.get('createVoucher', { organisation, body: online })).counter,
      prepared.counter + 901,
    );
    // A credential that was revoked does not come back with its device.
    await boss.caller.get('patchDevice', { organisation, device: 'soft', body: { enabled: true } });
    assert.is(await after.ingest(credential.secret), 401, 'a token of a device that is on again');
    const audit = await command('audit', 'verify', '--state', restored);
    assert.is(audit.code, 0, audit.out);
  } finally {
    await service.stop();
  }
  await rm(restored, { recursive: true });
  temporary.cloud = await CloudProcess.start({ state, logFile: temporary.logFile });
});

/** Hex of all that is answered to a CONNECT, by a TLS connection that asks for MQTT. */
async function connackOf(port: number, ca: string): Promise<string> {
  const socket = connect({ host: 'localhost', port, ca, ALPNProtocols: ['mqtt'] });
  socket.write(Buffer.from('100d00044d5154540402001e000161', 'hex'));
  const said: Buffer[] = [];
  for await (const piece of socket) said.push(piece as Buffer);
  return Buffer.concat(said).toString('hex');
}

/** Enrols a gateway by a new secret, as its administrator has it made. */
async function enrolAnew({ cloud }: Town, by: Caller, device: string): Promise<GatewayIdentity> {
  const { enrolmentSecret } = await by.get('enrolDevice', { organisation, device });
  const watched = Object.assign(Object.create(cloud), { service: { watchFor: () => {} } });
  return await enrolWith(watched, device, enrolmentSecret);
}

/** Enrols a gateway by a secret that is there already. */
async function enrolIdentityBy(town: Town, secret: string): Promise<unknown> {
  const organisation = {
    each: async function* () {},
    createDevice: async () => ({ enrolmentSecret: secret }),
  };
  return await enrolIdentity(
    Object.assign(Object.create(town.cloud), { organisation, service: { watchFor: () => {} } }),
    'unborn',
  );
}

test('a backup that is not what it was is found out, and not restored', async () => {
  const { folder, state } = temporary;
  const [backup, keys] = [join(folder, 'backup-2'), join(folder, 'keys-2')];
  assert.is((await command('backup', '--state', state, '--to', backup, '--keys-to', keys)).code, 0);
  const database = join(backup, 'loadline.db');
  const bytes = readFileSync(database);
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
  await writeFile(database, bytes);
  const drill = await command('restore', '--drill', '--from', backup, '--keys', keys);
  assert.is(drill.code, 1, drill.out);
  assert.match(drill.out, /THIS BACKUP IS NOT GOOD/);
  const back = await command('restore', '--from', backup, '--keys', keys, '--state', join(folder, 'never'));
  assert.is(back.code, 2);
  assert.throws(() => readFileSync(join(folder, 'never', 'loadline.db')), /ENOENT/);
});

test.run();
