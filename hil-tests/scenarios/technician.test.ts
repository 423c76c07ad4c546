// @long
// Who provisions gateways on site has what that takes, and no more.
import { randomUUID } from 'node:crypto';
import { type OperationId, provisioningScopes } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boardRecord, boardRequest } from '../inhabited/board.ts';
import { Caller } from '../inhabited/caller.ts';
import { inhabit, type Site } from '../inhabited/site.ts';
import { enrolWith } from '../system/mqtt-gateway.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('technicians');

const organisation = 'first';
let temporary: TemporaryCloud;
let site: Site;
const callers: Caller[] = [];

test.before(async () => {
  temporary = await temporaryCloud();
  site = await inhabit(temporary.cloud, temporary.state);
});
test.after(async () => {
  for (const caller of callers) caller.close();
  site?.close();
  await temporary.end();
});

/** A program with an API token of the administrator's. */
async function program(scopes: readonly string[], limits: object = {}): Promise<Caller> {
  const body = { name: 'field', scopes: [...scopes], days: 1, ...limits };
  const { value } = await site.people.administrator.caller.get('createToken', { organisation, body });
  const caller = new Caller({ cloud: site.cloud, loot: site.loot, token: value });
  callers.push(caller);
  return caller;
}

/** Every step of a provisioning, in their order, each as whoever asks it is answered. */
async function* steps(
  caller: Caller,
  { device = `site-${randomUUID()}`, serialNumber = `board-${randomUUID()}` } = {},
): AsyncGenerator<{ step: OperationId; scope: string; status: number; body: string }> {
  const here = { organisation, device };
  yield { step: 'getDevice', scope: 'device.get', ...(await caller.call('getDevice', here)) };
  const made = await caller.call('createDevice', { organisation, body: { id: device } });
  yield { step: 'createDevice', scope: 'devices.create', ...made };
  yield { step: 'getLedger', scope: 'ledger.get', ...(await caller.call('getLedger', here)) };
  yield { step: 'enrolDevice', scope: 'device.enrol', ...(await caller.call('enrolDevice', here)) };
  const voucher = await caller.call('createVoucher', { organisation, body: { serialNumber } });
  yield { step: 'createVoucher', scope: 'vouchers.create', ...voucher };
  const request = await boardRequest(device);
  const certificate = await caller.call('issueCertificate', { ...here, body: { request } });
  yield { step: 'issueCertificate', scope: 'certificates.create', ...certificate };
  const body = await boardRecord({
    ...{ gatewayId: device, organisation, serialNumber, counter: 1, where: 'here' },
    authorityPem: site.cloud.authorityPem,
  });
  const kept = await caller.call('addProvisioning', { ...here, body });
  yield { step: 'addProvisioning', scope: 'provisionings.create', ...kept };
}

test('the scopes of provisioning do all of it', async () => {
  const caller = await program(provisioningScopes);
  const answers: [string, number][] = [];
  const used = new Set<string>();
  for await (const { step, scope, status } of steps(caller)) {
    answers.push([step, status]);
    used.add(scope);
  }
  assert.equal(answers, [
    ['getDevice', 404],
    ['createDevice', 201],
    ['getLedger', 200],
    ['enrolDevice', 201],
    ['createVoucher', 201],
    ['issueCertificate', 201],
    ['addProvisioning', 201],
  ]);
  assert.equal([...used].sort(), [...provisioningScopes].sort());
});

test('without any one of them the step that needs it is refused, and says which it is', async () => {
  for (const missing of provisioningScopes) {
    const caller = await program(provisioningScopes.filter((one) => one !== missing));
    const device = `site-${randomUUID()}`;
    const by = site.people.administrator.caller;
    await by.get('createDevice', { organisation, body: { id: device } });
    const refused: string[] = [];
    for await (const { scope, status, body } of steps(caller, { device })) {
      if (status !== 403) continue;
      refused.push(scope);
      const { code, detail } = JSON.parse(body);
      assert.equal([code, detail], ['forbidden', `this needs the scope ${missing}`]);
    }
    assert.equal(refused, [missing]);
  }
});

test('they do nothing else: no retirement, no release, no secrets of devices, no people', async () => {
  const caller = await program(provisioningScopes);
  const device = site.first.devices.own;
  const unit = site.first.boards.own;
  const certificate = site.first.certificates.own;
  const here = { organisation, device };
  const answers = {
    retire: caller.call('retireDevice', here),
    release: caller.call('releaseUnit', { organisation, unit }),
    units: caller.call('listUnits', { organisation }),
    revoke: caller.call('revokeCertificate', { ...here, certificate }),
    switch: caller.call('patchDevice', { ...here, body: { enabled: false } }),
    credential: caller.call('createDeviceCredential', { ...here, body: { kind: 'token', name: 'x' } }),
    configure: caller.call('setDesired', { ...here, body: { configuration: {} } }),
    command: caller.call('createCommand', {
      ...here,
      body: { command: { kind: 'report' }, expiresInSeconds: 60 },
    }),
    people: caller.call('listUsers', { organisation }),
    token: caller.call('createToken', { organisation, body: { name: 'x', scopes: ['device.get'], days: 1 } }),
    fleet: caller.call('releaseFleetUnit', { unit }),
  };
  for (const [what, answer] of Object.entries(answers)) assert.is((await answer).status, 403, what);
});

test('the role technician has them all, within its departments', async () => {
  const caller = site.callers.technician;
  const answers: number[] = [];
  for await (const { status } of steps(caller)) answers.push(status);
  assert.equal(answers, [404, 201, 200, 201, 201, 201, 201]);
});

test('a gateway of another department, and its board, are out of a technician’s reach', async () => {
  const caller = site.callers.technician;
  const device = site.first.devices.department;
  const here = { organisation, device };
  const request = await boardRequest(device);
  const issued = await caller.call('issueCertificate', { ...here, body: { request } });
  assert.is(issued.status, 404);
  const body = { serialNumber: site.first.boards.department };
  const voucher = await caller.call('createVoucher', { organisation, body });
  assert.is(voucher.status, 409);
  // Told in the same words as of a board of another organisation: neither is his to know.
  const foreign = { serialNumber: site.other.boards.own };
  const other = await caller.call('createVoucher', { organisation, body: foreign });
  const bare = (text: string, serial: string) => text.replaceAll(serial, '…');
  assert.is(bare(voucher.body, body.serialNumber), bare(other.body, foreign.serialNumber));
  const units = await caller.get('listUnits', { organisation });
  const serials = units.items.map(({ id }) => id);
  assert.ok(serials.includes(site.first.boards.own));
  assert.not.ok(serials.includes(site.first.boards.department));
  assert.not.ok(serials.includes(site.other.boards.own));
});

test('the board of a gateway that was retired elsewhere is free to anybody of its organisation', async () => {
  const by = site.people.administrator.caller;
  const maker = site.makers.first;
  const device = await maker.device(placeOfDepartment());
  const serialNumber = await maker.board(device);
  const ask = async () =>
    (await site.callers.technician.call('createVoucher', { organisation, body: { serialNumber } })).status;
  assert.is(await ask(), 409);
  await by.get('retireDevice', { organisation, device });
  assert.is(await ask(), 201);
});

/** Where the technician does not reach. */
function placeOfDepartment() {
  const { departments, customers } = site.first;
  return { department: departments.department, customer: customers.own };
}

test('a technician of another organisation is told that there is no such thing', async () => {
  const { administrator } = site.other;
  const body = { name: 'field', scopes: [...provisioningScopes], days: 1 };
  const { value } = await administrator.caller.get('createToken', { organisation: 'other', body });
  const caller = new Caller({ cloud: site.cloud, loot: site.loot, token: value });
  callers.push(caller);
  for await (const { step, status } of steps(caller, { device: site.first.devices.own })) {
    assert.is(status, 404, step);
  }
});

test('a program that is limited to some devices provisions those, and makes no others', async () => {
  const device = site.first.spare;
  const caller = await program(provisioningScopes, { devices: [device] });
  const answers: number[] = [];
  for await (const { status } of steps(caller, { device })) answers.push(status);
  // The device is there already: its id cannot be had.
  assert.equal(answers, [200, 409, 200, 201, 201, 201, 201]);
  // It may ask again, as after a cable was pulled: of a new board, and of one whose gateway is its own.
  const serialNumber = `board-${randomUUID()}`;
  for (const counter of [1, 2]) {
    const voucher = await caller.get('createVoucher', { organisation, body: { serialNumber } });
    assert.is(voucher.counter, counter);
  }
  const body = { id: `site-${randomUUID()}` };
  assert.is((await caller.call('createDevice', { organisation, body })).status, 403);
});

test('what was asked for on site stands in the audit log under who asked, and ends the one-time secret', async () => {
  const device = `site-${randomUUID()}`;
  const by = site.callers.technician;
  const { enrolmentSecret } = await by.get('createDevice', { organisation, body: { id: device } });
  const request = await boardRequest(device);
  const { fingerprint } = await by.get('issueCertificate', { organisation, device, body: { request } });
  const admin = site.people.administrator.caller;
  const { items } = await admin.get('listAudit', {
    organisation,
    query: { target: device, action: 'certificate.create' },
  });
  const [entry] = items;
  assert.equal(
    [entry?.actor.kind, entry?.actor.id, (entry?.after as { fingerprint?: string } | undefined)?.fingerprint],
    ['user', site.people.technician.id, fingerprint],
  );
  const certificates = await admin.get('listCertificates', { organisation, device });
  assert.equal(
    certificates.items.map(({ issuedFor }) => issuedFor),
    ['technician'],
  );
  await enrolWith(site.cloud, device, enrolmentSecret).then(
    () => assert.unreachable(),
    ({ code }) => assert.is(code, 'enrolment-refused'),
  );
});

test('a request for another gateway, of a key too small, or that is none is refused with a reason', async () => {
  const device = site.first.devices.own;
  const here = { organisation, device };
  const by = site.callers.technician;
  for (const [request, why] of [
    [await boardRequest('another-gateway'), /for 'another-gateway'/],
    ['no request', /CERTIFICATE REQUEST/],
    [(await boardRequest(device)).replace(/[A-Z](?=[^-]*-----END)/, 'a'), /request is refused/],
  ] as const) {
    const { status, body } = await by.call('issueCertificate', { ...here, body: { request } });
    assert.is(status, 400);
    const { code, detail } = JSON.parse(body);
    assert.is(code, 'request-malformed');
    assert.match(detail, why);
  }
});

test.run();
