// @long
// Whose a gateway is: claimed by a voucher, retired, released and moved; what becomes of its data and of all that proves it.
import { randomUUID } from 'node:crypto';
import { createSigningRequest, generateKeyPair, readVoucher, softwareSigner } from '@loadline/sdk/identity';
import { writeTokenLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boardRecord } from '../inhabited/board.ts';
import { Caller } from '../inhabited/caller.ts';
import type { Open } from '../inhabited/followers.ts';
import { Loot } from '../inhabited/loot.ts';
import { Mails } from '../inhabited/mails.ts';
import { arrive, enter, type Person, type Town } from '../inhabited/person.ts';
import { until } from '../rig/index.ts';
import { awakeMilliseconds, freeSocketPorts } from '../system/index.ts';
import { connectGateway, enrolWith, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { beginUpload, connects, deviceLink, gatewayLink, openLine, post, sayLine } from './device-doors.ts';
import { takeInSoftware } from './software-device.ts';
import { openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('ownership of gateways');

/** What the product promises, in ms from the answer to the request that ends something. */
const promised = 2000;
const hour = 3_600_000;

let temporary: TemporaryCloud;
/** The operator of the fleet, who administrates `first`; and the administrator of another organisation. */
let first: Person;
let harbour: Person;

test.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts });
  const { cloud, state } = temporary;
  const loot = new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`));
  const town: Town = { cloud, loot, mails: new Mails(state) };
  first = await enter(new Caller({ cloud, loot }), cloud.login);
  const administrator = { email: 'chief@harbour.example', name: 'Chief' };
  await first.caller.get('createOrganisation', { body: { id: 'harbour', name: 'Harbour', administrator } });
  harbour = await arrive(town, administrator.email);
  await cloud.organisation.patchOrganisation({ body: { sockets: 'all' } });
});
test.after(async () => {
  first.caller.close();
  harbour.caller.close();
  await temporary.end();
});

/** A gateway on its board, as its owner provisioned it. */
interface Provisioned {
  readonly identity: GatewayIdentity;
  readonly counter: number;
}

async function provision(
  { caller }: Person,
  organisation: string,
  device: string,
  serialNumber: string,
): Promise<Provisioned> {
  await caller.get('createDevice', { organisation, body: { id: device } });
  const nonce = 'ab'.repeat(16);
  const { counter } = await caller.get('createVoucher', { organisation, body: { serialNumber, nonce } });
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const body = { request: createSigningRequest({ commonName: device, signer }) };
  const { chain, authority } = await caller.get('issueCertificate', { organisation, device, body });
  const of = { gatewayId: device, organisation, serialNumber, counter, where: 'here', signer };
  await caller.get('addProvisioning', {
    organisation,
    device,
    body: await boardRecord({ ...of, authorityPem: authority }),
  });
  return { identity: { id: device, privateKeyPem, chainPem: chain, authorityPem: authority }, counter };
}

async function deliver(identity: GatewayIdentity): Promise<void> {
  const gateway = await connectGateway(temporary.cloud.mqttPort, identity);
  await gateway.publishAsync(`v1/gw/${identity.id}/telemetry`, Buffer.from(batchMaker()()), { qos: 1 });
  await gateway.endAsync();
}

/** Code of a refusal. */
async function refusal(asked: Promise<{ status: number; body: string }>): Promise<string> {
  const { status, body } = await asked;
  return status < 300 ? `done: ${body}` : JSON.parse(body).code;
}

/** Waits for the end of each, longer than promised, so that what comes late is told by how much. */
async function assertEnded(open: Readonly<Record<string, Open>>, answered: number): Promise<void> {
  const all = Object.entries(open);
  await until(() => all.every(([, one]) => one.ended !== undefined)).catch(() => {});
  for (const [name, { ended, close }] of all) {
    close();
    assert.ok(ended !== undefined, `${name} is open still`);
    assert.ok(ended - answered <= promised, `${name} was open for ${ended - answered} ms`);
  }
}

const audit = async ({ caller }: Person, organisation: string, query: { target: string }) =>
  (await caller.get('listAudit', { organisation, query })).items;

test('a board is its first owner’s: another organisation gets no voucher for it, and its log says that it asked', async () => {
  const serialNumber = `board-${randomUUID()}`;
  const body = { serialNumber };
  await first.caller.get('createVoucher', { organisation: 'first', body });
  const answer = await harbour.caller.call('createVoucher', { organisation: 'harbour', body });
  assert.is(answer.status, 409);
  assert.match(answer.body, /somebody else's.*must release it first/);
  assert.is(
    await refusal(harbour.caller.call('releaseUnit', { organisation: 'harbour', unit: serialNumber })),
    'not-found',
  );
  const entries = await audit(harbour, 'harbour', { target: serialNumber });
  assert.equal(
    entries.map(({ action, outcome, code }) => [action, outcome, code]),
    [['vouchers.create', 'refused', 'conflict']],
  );
});

test('of many that ask for one board at once one organisation has it, and every voucher another counter', async () => {
  const serialNumber = `board-${randomUUID()}`;
  const asked = await Promise.all(
    [first, harbour, first, harbour, first, harbour].map(({ caller }, at) =>
      caller.call('createVoucher', {
        organisation: at % 2 === 0 ? 'first' : 'harbour',
        body: { serialNumber },
      }),
    ),
  );
  const given = asked.filter(({ status }) => status === 201).map(({ body }) => JSON.parse(body));
  const refused = asked.filter(({ status }) => status === 409);
  assert.is(given.length + refused.length, 6);
  const counters = given.map(({ counter }) => counter);
  assert.is(new Set(counters).size, counters.length);
  const owners = given.map(
    ({ voucher }) =>
      readVoucher(voucher, {
        authorityPem: temporary.cloud.authorityPem,
        time: { kind: 'known', wall: Date.now() },
      }).organisation,
  );
  assert.is(new Set(owners).size, 1);
});

test('a voucher names its board, its owner, its session, and a counter above every one before', async () => {
  const serialNumber = `board-${randomUUID()}`;
  const { authorityPem } = temporary.cloud;
  const nonce = '0f'.repeat(16);
  const make = async (more: { nonce?: string; counter?: number } = {}) => {
    const made = await first.caller.get('createVoucher', {
      organisation: 'first',
      body: { serialNumber, ...more },
    });
    const time = { kind: 'known', wall: Date.now() } as const;
    return { ...made, read: readVoucher(made.voucher, { authorityPem, time }) };
  };
  const online = await make({ nonce });
  assert.is(online.expires, null);
  const { createdOn: _, pinnedAuthorityPem, ...read } = online.read;
  assert.is(pinnedAuthorityPem, authorityPem);
  assert.equal(read, {
    ...{ serialNumber, assertion: 'logged', nonce, ownershipCounter: 1, organisation: 'first' },
  });
  // What the gateway says is believed as far as this cloud can have signed.
  const prepared = await make({ counter: 500 });
  assert.is(prepared.counter, 501);
  assert.is(prepared.read.nonce, undefined);
  const days = (Date.parse(prepared.expires ?? '') - Date.now()) / (24 * hour);
  assert.ok(days > 29 && days <= 30, String(days));
  assert.is(Date.parse(prepared.expires ?? ''), prepared.read.expiresOn);
  assert.is((await make({ nonce })).counter, 502);
  const body = { serialNumber, counter: 502 + 1001 };
  assert.is(
    await refusal(first.caller.call('createVoucher', { organisation: 'first', body })),
    'request-invalid',
  );
  assert.throws(() =>
    readVoucher(prepared.voucher, {
      authorityPem,
      time: { kind: 'at-least', wall: Date.parse(prepared.expires ?? '') + 1 },
    }),
  );
});

test('a retired gateway and a retired device are over at every door within two seconds, and stay so', async () => {
  const { cloud } = temporary;
  const organisation = 'first';
  const by = first.caller;
  const [device, gateway] = [`logger-${randomUUID()}`, `gate-${randomUUID()}`];
  const { token, key, 'socket-token': socketToken } = await takeInSoftware(cloud, device);
  const { identity } = await provision(first, organisation, gateway, `board-${randomUUID()}`);
  await deliver(identity);
  const { enrolmentSecret } = await by.get('enrolDevice', { organisation, device: gateway });
  const order = { command: { kind: 'report' as const }, expiresInSeconds: 3600 };
  const { id: command } = await by.get('createCommand', { organisation, device: gateway, body: order });
  const words = (n: number) => writeTokenLine(socketToken.secret, [{ name: 'temp', value: 21.5 }], `n${n}`);
  const open = {
    'the link of the gateway': await gatewayLink(cloud, identity),
    'the link of the device': await deviceLink(cloud, device, key),
    'a connection by TCP': await openLine(cloud, 'tcp', words(1)),
    'a connection by TLS': await openLine(cloud, 'tls', words(2)),
  };
  const upload = await beginUpload(cloud, token.secret);
  const ledgerOf = async (of: string) => (await by.get('getLedger', { organisation, device: of })).readings;
  const before = [await ledgerOf(device), await ledgerOf(gateway)];

  for (const one of [device, gateway]) {
    const { retired, enabled } = await by.get('retireDevice', { organisation, device: one });
    assert.ok(retired !== null && !enabled);
  }
  const answered = awakeMilliseconds();
  assert.is(await upload.finish(), 401, 'a body that was under way');
  assert.is(await post(cloud, token.secret), 401);
  assert.is(await connects(cloud, key, device), 'refused');
  for (const by of ['tcp', 'tls'] as const) {
    assert.is(await sayLine(cloud, by, words(3)), 'ERR unauthenticated', by);
  }
  assert.is(await sayLine(cloud, 'udp', words(3)), '');
  await connectGateway(cloud.mqttPort, identity).then(
    () => assert.unreachable(),
    () => undefined,
  );
  await enrolWith(cloud, gateway, enrolmentSecret).then(
    () => assert.unreachable(),
    ({ code }) => assert.is(code, 'enrolment-refused'),
  );
  await assertEnded(open, answered);

  const request = createSigningRequest({
    commonName: gateway,
    signer: softwareSigner(identity.privateKeyPem),
  });
  const attempts = {
    'switched on': by.call('patchDevice', { organisation, device: gateway, body: { enabled: true } }),
    enrolled: by.call('enrolDevice', { organisation, device: gateway }),
    'given a token': by.call('createDeviceCredential', {
      organisation,
      device,
      body: { kind: 'token', name: 'again' },
    }),
    'given a certificate': by.call('issueCertificate', { organisation, device: gateway, body: { request } }),
    commanded: by.call('createCommand', { organisation, device: gateway, body: order }),
    configured: by.call('setDesired', { organisation, device: gateway, body: { configuration: {} } }),
    'retired again': by.call('retireDevice', { organisation, device: gateway }),
    'made again': by.call('createDevice', { organisation, body: { id: gateway } }),
    'made elsewhere': harbour.caller.call('createDevice', { organisation: 'harbour', body: { id: gateway } }),
  };
  for (const [name, attempt] of Object.entries(attempts)) assert.is(await refusal(attempt), 'conflict', name);
  // What is about people's own order of things still goes.
  await by.get('patchDevice', { organisation, device: gateway, body: { name: 'the old gate' } });

  const told = await by.get('getCommand', { organisation, device: gateway, command });
  assert.equal([told.state, told.detail], ['expired', 'the gateway was retired']);
  const certificates = await by.get('listCertificates', { organisation, device: gateway });
  assert.equal(
    certificates.items.map(({ reason }) => reason),
    ['retired'],
  );
  const credentials = await by.get('listDeviceCredentials', { organisation, device });
  assert.ok(credentials.items.every(({ status }) => status === 'revoked'));
  assert.equal([await ledgerOf(device), await ledgerOf(gateway)], before);
  const series = await by.get('listSeries', { organisation, query: { device: gateway } });
  assert.is.not(series.items.length, 0);
  const { items } = await by.get('listAudit', {
    organisation,
    query: { target: gateway, action: 'device.retire' },
  });
  assert.equal(
    items.map(({ outcome, after }) => [outcome, after]),
    [['done', { enabled: false, reason: 'retired' }]],
  );
});

test('a gateway moves: its board is released, its data stays, and its next owner provisions it under another id', async () => {
  const { cloud } = temporary;
  const [serial, old, next] = [`board-${randomUUID()}`, `pier-${randomUUID()}`, `quay-${randomUUID()}`];
  const before = await provision(first, 'first', old, serial);
  await deliver(before.identity);
  const stale = await first.caller.get('createVoucher', {
    organisation: 'first',
    body: { serialNumber: serial },
  });
  const open = { 'the link of the gateway': await gatewayLink(cloud, before.identity) };
  await first.caller.get('releaseUnit', { organisation: 'first', unit: serial });
  const answered = awakeMilliseconds();
  await connectGateway(cloud.mqttPort, before.identity).then(
    () => assert.unreachable(),
    () => undefined,
  );
  await assertEnded(open, answered);
  assert.is(
    await refusal(first.caller.call('releaseUnit', { organisation: 'first', unit: serial })),
    'not-found',
  );
  const device = { organisation: 'first', device: old };
  assert.is.not((await first.caller.get('getDevice', device)).retired, null);
  const { items } = await first.caller.get('listCertificates', device);
  assert.equal(
    items.map(({ reason }) => reason),
    ['moved'],
  );
  const released = await audit(first, 'first', { target: serial });
  assert.equal(released[0]?.action, 'unit.release');
  assert.equal(released[0]?.before, { organisation: 'first', device: old, counter: stale.counter });

  assert.is(
    await refusal(harbour.caller.call('createDevice', { organisation: 'harbour', body: { id: old } })),
    'conflict',
  );
  const after = await provision(harbour, 'harbour', next, serial);
  // Every voucher that the last owner still has is stale by it.
  assert.ok(after.counter > stale.counter);
  await deliver(after.identity);
  const units = async ({ caller }: Person, organisation: string) =>
    (await caller.get('listUnits', { organisation })).items.filter(({ id }) => id === serial);
  assert.equal(
    (await units(harbour, 'harbour')).map(({ device }) => device),
    [next],
  );
  assert.equal(await units(first, 'first'), []);
  const sees = async ({ caller }: Person, organisation: string, one: string) =>
    (await caller.call('getLedger', { organisation, device: one })).status;
  assert.equal([await sees(first, 'first', old), await sees(harbour, 'harbour', old)], [200, 404]);
  assert.equal([await sees(first, 'first', next), await sees(harbour, 'harbour', next)], [404, 200]);
  const stays = await first.caller.get('getLedger', device);
  assert.is.not(stays.readings.stored, 0);
});

test('the operator of the fleet can release a board: it stands in the fleet’s log and in that of who had it', async () => {
  const [serial, device] = [`board-${randomUUID()}`, `dock-${randomUUID()}`];
  const { identity } = await provision(harbour, 'harbour', device, serial);
  const open = { 'the link of the gateway': await gatewayLink(temporary.cloud, identity) };
  const asked = harbour.caller.call('releaseFleetUnit', { unit: serial });
  assert.is(await refusal(asked), 'forbidden');
  await first.caller.get('releaseFleetUnit', { unit: serial });
  await assertEnded(open, awakeMilliseconds());
  const fleet = await first.caller.get('listFleetAudit', { query: { target: serial } });
  assert.equal(
    fleet.items.map(({ action, outcome }) => [action, outcome]),
    [['fleet-unit.release', 'done']],
  );
  const [entry] = await audit(harbour, 'harbour', { target: serial });
  assert.equal([entry?.action, entry?.actor.kind], ['unit.release', 'user']);
  const [ended] = await audit(harbour, 'harbour', { target: device });
  assert.equal([ended?.action, ended?.after], ['device.retire', { enabled: false, reason: 'moved' }]);
  assert.is(await refusal(first.caller.call('releaseFleetUnit', { unit: serial })), 'not-found');
});

test('what has ended stays so through a restart, and nothing is left that could open again', async () => {
  const { cloud, state } = temporary;
  const [serial, device] = [`board-${randomUUID()}`, `last-${randomUUID()}`];
  const { identity } = await provision(first, 'first', device, serial);
  const organisation = 'first';
  const body = { kind: 'key', name: 'a key' } as const;
  await first.caller.get('createDeviceCredential', { organisation, device, body });
  const { enrolmentSecret } = await first.caller.get('enrolDevice', { organisation, device });
  cloud.service.watchFor(enrolmentSecret, 'an enrolment secret');
  await first.caller.get('retireDevice', { organisation, device });
  await temporary.restart(() => {
    const database = openStateDatabase(state);
    const left = (sql: string) => database.prepare(sql).pluck().get(device);
    assert.is(left('SELECT count(*) FROM enrolment WHERE device = ?'), 0);
    assert.equal(left('SELECT enabled FROM device WHERE id = ?'), 0);
    database.close();
  });
  const { items } = await temporary.cloud.organisation.listDeviceCredentials({ device });
  assert.equal(
    items.map(({ status }) => status),
    ['revoked'],
  );
  await connectGateway(temporary.cloud.mqttPort, identity).then(
    () => assert.unreachable(),
    () => undefined,
  );
});

test.run();
