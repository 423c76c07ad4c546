// @long
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Authority,
  crossSign,
  distrustIssuer,
  install,
  makeRequest,
  openAuthority,
} from './authority/index.ts';
import { offlineRoot } from './authority/test-root.ts';
import { AuthorityKeeper } from './authority-keeper.ts';
import { type Doors, openDoors, type Proof, Wire } from './doors/test-doors.ts';
import { memoryKeys } from './keys/test-keys.ts';

const day = 24 * 3_600_000;

const keys = memoryKeys();

interface Parts {
  doors: Doors;
  folder: string;
  /** Days since now, for the authority. */
  later: number;
  authority: Authority;
}

const test = suite<Parts>('the keeper of the authority');
test.before(async (parts) => {
  parts.doors = await openDoors();
  parts.folder = mkdtempSync(join(tmpdir(), 'loadline-server-certificate-'));
  parts.later = -61;
  const now = () => Date.now() + parts.later * day;
  parts.authority = await openAuthority({
    ...{ folder: parts.folder, keys, now, log: () => undefined },
  });
});
test.after(async ({ doors, folder }) => {
  await doors.close();
  rmSync(folder, { recursive: true });
});

/** A connection that trusts the authority, once it is secure. */
function open(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, ca }, () => resolve(socket));
    socket.once('error', reject);
  });
}

test('renews the certificate of the server in the last third of its life, at both doors, and what is open stays', async (parts) => {
  const { doors, authority } = parts;
  const { https, mqtt } = doors;
  const told: string[] = [];
  const tell = (event: string) => void told.push(event);
  const log = { info: tell, warn: tell, error: tell };
  const first = await authority.issueServer({ names: [] });
  for (const door of [https, mqtt]) door.renew(first, authority.clientTrust());
  const now = () => Date.now() + parts.later * day;
  const keeper = await AuthorityKeeper.begin({
    endIssuedBy: async () => assert.unreachable('nobody is distrusted'),
    ...{ authority, names: [], shown: first, doors: [https, mqtt], log, now },
  });
  const ca = authority.certificatePem;
  const before = await open(https.port, ca);
  const serial = before.getPeerCertificate().serialNumber;

  parts.later = -2;
  await keeper.renew();
  assert.equal(told, ['authority-root-online']);

  parts.later = 0;
  await keeper.renew();
  assert.equal(told, ['authority-root-online', 'server-certificate-renewed']);
  for (const { port } of [https, mqtt]) {
    const after = await open(port, ca);
    assert.is.not(after.getPeerCertificate().serialNumber, serial);
    after.destroy();
  }
  assert.not.ok(before.destroyed);
  before.destroy();

  await keeper.renew();
  assert.is(told.length, 2);
  await keeper.close();
});

/** Whether the MQTT door takes this certificate for one of the fleet: only then does it answer a CONNECT at all. */
async function isTaken({ mqtt }: Doors, ca: string, proof: Proof): Promise<boolean> {
  const wire = new Wire({ port: mqtt.port, ca, ...proof });
  wire.connect('gateway-1');
  const answered = await wire.got('connack').then(
    () => true,
    () => false,
  );
  wire.socket.destroy();
  return answered;
}

test('takes up what a ceremony has installed: doors show it, and believe what was issued before and after', async (parts) => {
  const { doors, folder } = parts;
  const { https, mqtt } = doors;
  parts.later = 0;
  const log: string[] = [];
  const tell = (event: string) => void log.push(event);
  const ended: string[][] = [];
  const authority = await openAuthority({ folder, keys, now: Date.now, log: () => undefined });
  const shown = await authority.issueServer({ names: [] });
  for (const door of [https, mqtt]) door.renew(shown, authority.clientTrust());
  const keeper = await AuthorityKeeper.begin({
    ...{ authority, names: [], shown, doors: [https, mqtt], now: Date.now },
    endIssuedBy: async (issuers) => void ended.push([...issuers]),
    log: { info: tell, warn: tell, error: tell },
  });
  const pair = await generateKeyPair();
  const request = createSigningRequest({
    commonName: 'gateway-1',
    signer: softwareSigner(pair.privateKeyPem),
  });
  const prove = async (): Promise<Proof> => {
    const { certificatePem } = await authority.issueGateway(request, 'gateway-1');
    return { key: pair.privateKeyPem, cert: certificatePem };
  };
  const oldest = authority.certificatePem;
  const { issuer } = authority.standing();
  const before = await prove();
  const standing = await open(https.port, oldest);

  const ceremony = { folder, keys, now: Date.now };
  const root = await offlineRoot('Offline');
  const { requestPem } = await makeRequest(ceremony);
  const cross = await crossSign(ceremony, root.certificatePem);
  const files = root.sign(requestPem) + root.certificatePem + cross.pem;
  await install(ceremony, files, { agree: async () => {}, overlap: 'demanded' });
  await keeper.look();
  assert.equal(log, ['authority-root-online', 'authority-changed', 'server-certificate-renewed']);
  // Who knows only the old root, and who knows only the new one, believe both doors.
  for (const ca of [oldest, root.certificatePem]) {
    for (const { port } of [https, mqtt]) (await open(port, ca)).destroy();
  }
  const after = await prove();
  for (const proof of [before, after]) assert.ok(await isTaken(doors, oldest, proof));
  assert.not.ok(standing.destroyed);
  standing.destroy();

  await distrustIssuer(ceremony, issuer.fingerprint);
  await keeper.look();
  assert.equal(ended, [[issuer.fingerprint]]);
  assert.not.ok(await isTaken(doors, oldest, before));
  assert.ok(await isTaken(doors, oldest, after));
  // Nothing has changed, and nothing is done.
  await keeper.look();
  assert.is(ended.length, 1);
  // What is wrong with the folder is said once, and the cloud goes on with what it had.
  const said = log.length;
  await writeFile(join(folder, 'authority.json'), '{', { mode: 0o600 });
  await keeper.look();
  await keeper.look();
  assert.equal(log.slice(said), ['authority-not-taken-up']);
  assert.ok(await isTaken(doors, oldest, after));
  await keeper.close();
});

test('tells of a certificate that cannot be renewed, and the one there is stays', async ({
  doors,
  authority,
}) => {
  const told: string[] = [];
  const tell = (event: string) => void told.push(event);
  const broken = {
    issueServer: () => Promise.reject(new Error('the disk is full')),
    clientTrust: () => authority.clientTrust(),
    onChange: () => () => {},
    refresh: async () => false,
    renew: async () => false,
    standing: () => authority.standing(),
  };
  const keeper = await AuthorityKeeper.begin({
    endIssuedBy: async () => assert.unreachable('nobody is distrusted'),
    ...{ authority: broken, names: [], doors: [doors.https], now: Date.now },
    shown: { privateKeyPem: '', certificatePem: '', notAfter: 0 },
    log: { info: tell, warn: tell, error: tell },
  });
  await keeper.close();
  assert.equal(told, ['authority-root-online', 'server-certificate-not-renewed']);
});

/** What a keeper says at its begin of an issuer and a root with so many days left. */
async function warnedOf(
  authority: Authority,
  days: { issuer: number; root: number },
  isOnline: boolean,
): Promise<string[]> {
  const told: string[] = [];
  const tell = (event: string, fields: object = {}) => void told.push(`${event} ${JSON.stringify(fields)}`);
  const { issuer, root } = authority.standing();
  const now = Date.now();
  const shown = await authority.issueServer({ names: [] });
  const keeper = await AuthorityKeeper.begin({
    ...{ names: [], shown, doors: [], now: () => now, log: { info: tell, warn: tell, error: tell } },
    endIssuedBy: async () => {},
    authority: {
      issueServer: async () => shown,
      clientTrust: () => authority.clientTrust(),
      onChange: () => () => {},
      refresh: async () => false,
      renew: async () => false,
      standing: () => ({
        issuer: { ...issuer, notAfter: now + days.issuer * day },
        root: { ...root, isOnline, notAfter: now + days.root * day },
        distrusted: [],
      }),
    },
  });
  await keeper.close();
  return told;
}

test('says every day what ends soon and only people can renew, and what to do', async ({ authority }) => {
  assert.equal(await warnedOf(authority, { issuer: 181, root: 731 }, false), []);
  const [issuer, ...others] = await warnedOf(authority, { issuer: 179, root: 731 }, false);
  assert.match(String(issuer), /authority-issuer-ends .*"days":179.*authority request, loadline ca sign/);
  assert.equal(others, []);
  const [root] = await warnedOf(authority, { issuer: 500, root: 729 }, false);
  assert.match(String(root), /authority-root-ends .*"days":729.*cross-signed/);
  // Under a root that is here it is renewed by itself.
  const [online, ...rest] = await warnedOf(authority, { issuer: 100, root: 731 }, true);
  assert.match(String(online), /^authority-root-online/);
  assert.equal(rest, []);
});

test.run();
