import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Authority, openAuthority } from './authority/index.ts';
import { type Doors, openDoors } from './doors/test-doors.ts';
import { ServerCertificate } from './server-certificate.ts';

const day = 24 * 3_600_000;

interface Parts {
  doors: Doors;
  folder: string;
  /** Days since now, for the authority. */
  later: number;
  authority: Authority;
}

const test = suite<Parts>('the certificate of the server');
test.before(async (parts) => {
  parts.doors = await openDoors();
  parts.folder = mkdtempSync(join(tmpdir(), 'loadline-server-certificate-'));
  parts.later = -61;
  const now = () => Date.now() + parts.later * day;
  parts.authority = await openAuthority({ folder: parts.folder, now, log: () => undefined });
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

test('is renewed in the last third of its life, at both doors, and what is open stays', async (parts) => {
  const { doors, authority } = parts;
  const { https, mqtt } = doors;
  const told: string[] = [];
  const tell = (event: string) => void told.push(event);
  const log = { info: tell, warn: tell, error: tell };
  const first = await authority.issueServer({ names: [] });
  for (const door of [https, mqtt]) door.renew(first);
  const certificate = new ServerCertificate(first, { authority, names: [], doors: [https, mqtt], log });
  const ca = authority.certificatePem;
  const before = await open(https.port, ca);
  const serial = before.getPeerCertificate().serialNumber;

  parts.later = -2;
  await certificate.look();
  assert.equal(told, []);

  parts.later = 0;
  await certificate.look();
  assert.equal(told, ['server-certificate-renewed']);
  for (const { port } of [https, mqtt]) {
    const after = await open(port, ca);
    assert.is.not(after.getPeerCertificate().serialNumber, serial);
    after.destroy();
  }
  assert.not.ok(before.destroyed);
  before.destroy();

  await certificate.look();
  assert.is(told.length, 1);
  certificate.close();
});

test('that cannot be renewed is told of, and the one there is stays', async ({ doors }) => {
  const told: string[] = [];
  const tell = (event: string) => void told.push(event);
  const identity = { privateKeyPem: '', certificatePem: '', notAfter: 0 };
  const broken = { issueServer: () => Promise.reject(new Error('the disk is full')) };
  const certificate = new ServerCertificate(identity, {
    ...{ authority: broken, names: [], doors: [doors.https] },
    log: { info: tell, warn: tell, error: tell },
  });
  await certificate.look();
  certificate.close();
  assert.equal(told, ['server-certificate-not-renewed']);
});

test.run();
