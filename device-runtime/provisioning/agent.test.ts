import { createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSigningRequest } from '@loadline/sdk/identity';
import { keyProof, type ProvisioningRecord, recordToSign } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sha256 } from './site-files.ts';
import {
  certify,
  challenge,
  type Fleet,
  makeFleet,
  serialNumber,
  siteText,
  TestBoard,
  voucherOf,
} from './test-parts.ts';

const test = suite('a board that is provisioned');

let fleet: Fleet;
let board: TestBoard;
test.before(async () => {
  fleet = await makeFleet();
});
test.before.each(async () => {
  board = await TestBoard.make(fleet.certificatePem);
});
test.after.each(() => board.remove());

/** All the way to a site in force. */
async function provision(on: TestBoard, of: { counter?: number; id?: string; organisation?: string } = {}) {
  const { counter = 1, id = 'mast-1', organisation = 'acme' } = of;
  const session = on.session();
  const { nonce } = await session.ask('describe', {});
  const voucher = voucherOf(fleet, { nonce, ownershipCounter: counter, organisation });
  await session.ask('own', { voucher, discardUndelivered: true });
  const { request, proof } = await session.ask('key', { gatewayId: id, challenge });
  const chain = certify(fleet, request);
  const enrolment = { url: 'https://cloud.example', secret: null };
  const site = siteText(fleet, { gatewayId: id, organisation, chain, enrolment });
  const { digest } = await session.ask('write', { site });
  const read = await session.ask('read', {});
  const { state } = await session.ask('commit', { digest });
  return { session, nonce, voucher, request, proof, chain, site, digest, read, state };
}

async function everyFile(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  return (await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name), 'latin1')))).join(
    '\n',
  );
}

test('it becomes what it is told, and says so of its own disk', async () => {
  const { nonce, request, proof, chain, site, digest, read, state } = await provision(board);
  const { publicKeyPem, commonName } = readSigningRequest(request);
  assert.is(commonName, 'mast-1');
  const proven = keyProof({ challenge, nonce, serialNumber, gatewayId: 'mast-1', request });
  assert.ok(verify('sha256', proven, publicKeyPem, Buffer.from(proof, 'base64')), 'the key is not proven');
  assert.is(digest, sha256(site));
  const fingerprint = (pem: string) =>
    new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
  assert.equal(JSON.parse(JSON.stringify(read)), {
    digest,
    gatewayId: 'mast-1',
    configuration: {
      gateway: { id: 'mast-1', state: 'state' },
      uplink: { host: 'cloud.example', authority: 'authority.pem' },
      ports: [{ name: 'radio', path: '/dev/nothing' }],
      sensors: [{ tag: '25DF', name: 'Wind', unit: 'm/s' }],
      enrolment: { url: 'https://cloud.example' },
    },
    authority: [fingerprint(fleet.certificatePem)],
    chain: [fingerprint(chain)],
    secrets: {},
  });
  assert.is(state, 'provisioned');
  const said = await board.session().ask('describe', {});
  assert.equal(said.gateway, {
    id: 'mast-1',
    organisation: 'acme',
    fingerprint: fingerprint(chain),
    expires: new X509Certificate(chain).validToDate.getTime(),
  });
  assert.equal([said.state, said.ownershipCounter, board.starts], ['provisioned', 1, 1]);
  assert.is(said.inForce?.publicKey, publicKeyPem);
});

test('another process finds the same in force, and a commit of it again changes nothing', async () => {
  const { session, digest } = await provision(board);
  assert.equal(await session.ask('commit', { digest }), { state: 'provisioned' });
  assert.is(board.starts, 1);
  const again = await TestBoard.make(fleet.certificatePem, board.root);
  assert.is((await again.session().ask('describe', {})).state, 'provisioned');
});

test('its owner reads what is in force before he has written anything, and no secret comes with it', async () => {
  await provision(board);
  const session = board.session();
  assert.match(await session.refusal('read', {}), /^not-owned: /);
  await session.ask('own', { voucher: voucherOf(fleet, { organisation: 'other', ownershipCounter: 2 }) });
  assert.match(await session.refusal('read', {}), /^nothing-written: /);
  await session.ask('own', { voucher: voucherOf(fleet, { ownershipCounter: 2 }) });
  const { gatewayId, secrets, present } = await session.ask('read', {});
  assert.equal([gatewayId, secrets], ['mast-1', {}]);
  const { name, network } = JSON.parse(siteText(fleet));
  assert.equal(JSON.parse(JSON.stringify(present)), {
    name,
    network: { ntp: [], ...network },
    preSharedKey: null,
    proxyPassword: null,
  });
});

test('nothing is answered out of order', async () => {
  const session = board.session();
  const bodies = {
    listen: { on: true },
    key: { gatewayId: 'mast-1', challenge },
    write: { site: '{}' },
    read: {},
    commit: { digest: 'ab'.repeat(32) },
    reset: {},
  } as const;
  for (const [name, body] of Object.entries(bodies)) {
    assert.match(await session.refusal(name as keyof typeof bodies, body), /^not-owned: /, name);
  }
  assert.match(await session.refusal('trial', { seconds: 5 }), /^not-committed: /);
  assert.match(await session.refusal('sign', { record: '{}' }), /^not-committed: /);
  assert.match(await session.refusal('close', {}), /^not-committed: /);
  await session.ask('own', { voucher: voucherOf(fleet) });
  assert.match(await session.refusal('write', { site: siteText(fleet) }), /^key-missing: /);
  assert.match(await session.refusal('read', {}), /^nothing-written: /);
  assert.match(await session.refusal('commit', bodies.commit), /^nothing-written: /);
  await session.ask('key', bodies.key);
  assert.match(
    await session.refusal('write', { site: siteText(fleet, { gatewayId: 'mast-2' }) }),
    /^key-missing: /,
  );
  await session.ask('write', { site: siteText(fleet) });
  assert.match(await session.refusal('commit', bodies.commit), /^digest-differs: /);
  assert.is(board.store.inForce, undefined);
});

test('what one session has shown and written counts in no other', async () => {
  const first = board.session();
  const { nonce } = await first.ask('describe', {});
  const voucher = voucherOf(fleet, { nonce });
  await first.ask('own', { voucher });
  await first.ask('key', { gatewayId: 'mast-1', challenge });
  const { digest } = await first.ask('write', { site: siteText(fleet) });
  const second = board.session();
  assert.match(await second.refusal('commit', { digest }), /^not-owned: /);
  assert.match(await second.refusal('own', { voucher }), /^voucher-refused: .*another session/);
});

test('what another session put in its place is not committed under its name', async () => {
  const first = board.session();
  await first.ask('own', { voucher: voucherOf(fleet) });
  await first.ask('key', { gatewayId: 'mast-1', challenge });
  const { digest } = await first.ask('write', { site: siteText(fleet) });
  const second = board.session();
  await second.ask('own', { voucher: voucherOf(fleet, { organisation: 'other', ownershipCounter: 2 }) });
  await second.ask('key', { gatewayId: 'mast-1', challenge });
  await second.ask('write', { site: siteText(fleet, { organisation: 'other' }) });
  assert.match(await first.refusal('commit', { digest }), /^digest-differs: /);
  assert.match(await first.refusal('read', {}), /^digest-differs: /);
  // The same site, under a voucher of its own, is not what the first one has written either.
  await first.ask('key', { gatewayId: 'mast-1', challenge });
  await first.ask('write', { site: siteText(fleet) });
  const third = board.session();
  await third.ask('own', { voucher: voucherOf(fleet, { ownershipCounter: 3 }) });
  await third.ask('key', { gatewayId: 'mast-1', challenge });
  await third.ask('write', { site: siteText(fleet) });
  assert.match(await first.refusal('commit', { digest }), /^digest-differs: /);
});

test('what waits its turn is judged when it comes', async () => {
  const { session } = await provision(board);
  const [, refusal] = await Promise.all([
    session.ask('reset', {}),
    session.refusal('sign', { record: '{}' }),
  ]);
  assert.match(refusal, /^not-committed: /);
});

test('the key is the same for the same id and owner, and another for another', async () => {
  const keyOf = async (organisation: string, gatewayId: string) => {
    const session = board.session();
    await session.ask('own', { voucher: voucherOf(fleet, { organisation }) });
    return readSigningRequest((await session.ask('key', { gatewayId, challenge })).request).publicKeyPem;
  };
  const first = await keyOf('acme', 'mast-1');
  assert.is(await keyOf('acme', 'mast-1'), first);
  assert.is.not(await keyOf('acme', 'mast-2'), first);
  assert.is.not(await keyOf('other', 'mast-1'), first);
});

test('what is altered on the disk between writing and committing is not put into force', async () => {
  const session = board.session();
  await session.ask('own', { voucher: voucherOf(fleet) });
  await session.ask('key', { gatewayId: 'mast-1', challenge });
  const { digest } = await session.ask('write', { site: siteText(fleet) });
  await writeFile(join(board.store.stagedFolder as string, 'gateway.toml'), 'another');
  assert.match(await session.refusal('commit', { digest }), /^digest-differs: /);
  assert.match(await session.refusal('read', {}), /^digest-differs: /);
  assert.is(board.store.inForce, undefined);
});

test('neither a private key nor a secret comes back, and the passphrase is not even on the disk', async () => {
  const passphrase = `pass ${randomBytes(8).toString('hex')}`;
  const secret = randomBytes(16).toString('hex');
  const proxyPassword = randomBytes(8).toString('hex');
  const session = board.session();
  const replies: unknown[] = [await session.ask('own', { voucher: voucherOf(fleet) })];
  replies.push(await session.ask('key', { gatewayId: 'mast-1', challenge }));
  const site = siteText(fleet, {
    network: { addresses: { by: 'dhcp' }, wifi: { ssid: 'mast', passphrase, country: 'DE' } },
    enrolment: { url: 'https://cloud.example', secret },
    proxyPassword,
    configuration: {
      ...JSON.parse(siteText(fleet)).configuration,
      uplink: { host: 'cloud.example', proxy: { url: 'http://proxy:3128', user: 'mast' } },
    },
  });
  const { digest } = await session.ask('write', { site });
  const read = await session.ask('read', {});
  replies.push(read, await session.ask('commit', { digest }), await session.ask('describe', {}));
  assert.equal(read.secrets, {
    'enrolment.secret': sha256(secret),
    'network.wifi.passphrase': sha256(passphrase),
    proxyPassword: sha256(proxyPassword),
  });
  const key = await readFile(join(board.store.currentFolder as string, 'state/gateway.key'), 'utf8');
  const said = JSON.stringify(replies) + board.steps.join('\n');
  for (const hidden of [passphrase, secret, proxyPassword, key, key.split('\n')[3] as string]) {
    assert.not(said.includes(hidden));
  }
  assert.not((await everyFile(board.root)).includes(passphrase));
});

test('a staged gateway enrols by itself: it has a secret and no certificate', async () => {
  const session = board.session();
  await session.ask('own', { voucher: voucherOf(fleet) });
  await session.ask('key', { gatewayId: 'mast-1', challenge });
  const { digest } = await session.ask('write', { site: siteText(fleet) });
  assert.equal(await session.ask('commit', { digest }), { state: 'staged' });
  const folder = board.store.currentFolder as string;
  assert.match(await readFile(join(folder, 'gateway.toml'), 'utf8'), 'secret_file = "enrolment.secret"');
  assert.is(await readFile(join(folder, 'enrolment.secret'), 'utf8'), 'one-time-secret-of-it\n');
});

test('readings of another owner are a refusal, until somebody gives them up', async () => {
  await provision(board);
  board.undelivered = 42;
  const session = board.session();
  const voucher = voucherOf(fleet, { organisation: 'other', ownershipCounter: 2 });
  assert.match(await session.refusal('own', { voucher }), /^undelivered-readings: 42 readings/);
  const same = voucherOf(fleet, { ownershipCounter: 2 });
  assert.is((await session.ask('own', { voucher: same })).ownershipCounter, 2);
  // Under another id they could never be delivered either.
  await session.ask('key', { gatewayId: 'mast-2', challenge });
  const { digest } = await session.ask('write', { site: siteText(fleet, { gatewayId: 'mast-2' }) });
  assert.match(await session.refusal('commit', { digest }), /^undelivered-readings: 42 readings/);
  assert.is(board.store.inForce?.gatewayId, 'mast-1');
  await provision(board, { organisation: 'other', counter: 3 });
  assert.is(board.store.inForce?.organisation, 'other');
});

test('a reset leaves nothing of it but the counter, which no old voucher gets past', async () => {
  const { session, voucher } = await provision(board, { counter: 5 });
  board.undelivered = 3;
  assert.equal(await session.ask('reset', {}), { undelivered: 3 });
  const said = await session.ask('describe', {});
  assert.equal([said.state, said.ownershipCounter, said.inForce], ['unprovisioned', 5, null]);
  assert.equal(await readdir(join(board.root, 'site')), ['committed']);
  assert.not((await everyFile(board.root)).includes('PRIVATE KEY'));
  const prepared = voucherOf(fleet, { ownershipCounter: 5 });
  for (const old of [voucher, prepared]) {
    assert.match(await board.session().refusal('own', { voucher: old }), /^voucher-refused: /);
  }
});

test('a trial ends with a reading that the cloud has, or says how far it came', async () => {
  const { session } = await provision(board);
  board.delivered = { epoch: 'ab'.repeat(16), number: 7, tag: 0x25df };
  const { reading } = await session.ask('trial', { seconds: 5 });
  assert.equal(reading, { epoch: 'ab'.repeat(16), number: 7, tag: '25DF' });
});

test('a record is signed only where each word of it is true', async () => {
  const { session, voucher, site, chain, request } = await provision(board);
  board.delivered = { epoch: 'ab'.repeat(16), number: 7, tag: 0x25df };
  const { reading, fingerprint } = await session.ask('trial', { seconds: 5 });
  const { publicKeyPem } = readSigningRequest(request);
  const { authority } = await session.ask('read', {});
  const record: ProvisioningRecord = {
    version: 1,
    gatewayId: 'mast-1',
    organisation: 'acme',
    serialNumber,
    result: 'provisioned',
    at: '2026-11-22T12:00:00Z',
    where: 'on the mast',
    technician: 'ana@example.org',
    tool: '0.1.0',
    model: 'Test',
    runtime: '0.1.0',
    certificate: fingerprint,
    publicKey: sha256(createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' })),
    authority,
    ownershipCounter: 1,
    voucher: sha256(Buffer.from(voucher, 'base64')),
    site: sha256(site),
    reading,
  };
  const text = JSON.stringify(record, undefined, 1);
  const { signature } = await session.ask('sign', { record: text });
  const { publicKey } = new X509Certificate(chain);
  assert.ok(verify('sha256', recordToSign(text), publicKey, Buffer.from(signature, 'base64')));
  const other = 'cd'.repeat(32);
  const wrong: Partial<ProvisioningRecord>[] = [
    { gatewayId: 'mast-2' },
    { organisation: 'other' },
    { serialNumber: 'BOARD-2' },
    { model: 'Other' },
    { runtime: '9.9.9' },
    { certificate: other },
    { certificate: null },
    { publicKey: other },
    { authority: [other] },
    { ownershipCounter: 2 },
    { voucher: other },
    { site: other },
    { reading: { ...reading, number: 8 } },
    { reading: null },
    { result: 'staged' },
  ];
  for (const each of wrong) {
    const refusal = await session.refusal('sign', { record: JSON.stringify({ ...record, ...each }) });
    assert.match(refusal, /^record-refused: /, JSON.stringify(each));
  }
});

test('close ends the mode, once it is provisioned', async () => {
  const { session } = await provision(board);
  await session.ask('close', {});
  for (const limit = Date.now() + 30_000; !board.closed; ) {
    assert.ok(Date.now() < limit, 'waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test.run();
