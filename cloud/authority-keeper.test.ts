import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Authority, openAuthority } from './authority/index.ts';
import { AuthorityKeeper } from './authority-keeper.ts';
import { type Doors, openDoors } from './doors/test-doors.ts';
import { memoryKeys } from './keys/test-keys.ts';

const day = 24 * 3_600_000;

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
    ...{ folder: parts.folder, keys: memoryKeys(), now, log: () => undefined },
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
  keeper.close();
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
  keeper.close();
  assert.equal(told, ['authority-root-online', 'server-certificate-not-renewed']);
});

test.run();
