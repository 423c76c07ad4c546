import { X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openAuthority } from './index.ts';
import { open, requestFor, says, withFolder } from './test-parts.ts';

const test = suite('authority');

const refused = (opening: Promise<unknown>, code: string, piece: RegExp) =>
  opening.then(
    () => assert.unreachable(`expected ${code}`),
    (error: unknown) => assert.ok(says(error, code, piece), String(error)),
  );

test('makes its key and root at the first start, for its owner alone, and leaves nothing else', () =>
  withFolder(async (folder) => {
    const place = join(folder, 'deep', 'authority');
    const { authority, log } = await open(place);
    assert.equal(
      log.map(({ profile, certificatePem }) => [profile, certificatePem]),
      [['authority', authority.certificatePem]],
    );
    assert.equal((await readdir(place)).sort(), ['authority.key.pem', 'authority.pem']);
    if (process.platform !== 'win32') {
      assert.is((await stat(place)).mode & 0o777, 0o700);
      assert.is((await stat(join(place, 'authority.key.pem'))).mode & 0o777, 0o600);
    }
  }));

test('is the same at the second start, and issues nothing for it', () =>
  withFolder(async (folder) => {
    const first = await open(folder);
    const second = await open(folder);
    assert.is(second.authority.certificatePem, first.authority.certificatePem);
    assert.equal(second.log, []);
  }));

test('closes a folder that was open to others', () =>
  withFolder(async (folder) => {
    if (process.platform === 'win32') return;
    await chmod(folder, 0o755);
    await open(folder);
    assert.is((await stat(folder)).mode & 0o777, 0o700);
  }));

test('finishes a first start that was cut between key and certificate, with that key', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    await rm(join(folder, 'authority.pem'));
    await writeFile(join(folder, 'authority.pem.new'), authority.certificatePem.slice(0, 100));
    const again = (await open(folder)).authority;
    const key = (pem: string) => new X509Certificate(pem).publicKey;
    assert.ok(key(again.certificatePem).equals(key(authority.certificatePem)));
    assert.equal((await readdir(folder)).sort(), ['authority.key.pem', 'authority.pem']);
  }));

test('names a missing key, a foreign key and a damaged file, and what to do', () =>
  withFolder(async (folder) => {
    await open(folder);
    const keyPath = join(folder, 'authority.key.pem');
    const key = await readFile(keyPath, 'utf8');
    await rm(keyPath);
    await refused(open(folder), 'authority-incomplete', /authority\.key\.pem is missing.*restore the key/);
    await writeFile(keyPath, (await generateKeyPair()).privateKeyPem, { mode: 0o600 });
    await refused(open(folder), 'authority-incomplete', /is not the key of/);
    await writeFile(keyPath, key.slice(0, 300));
    await refused(open(folder), 'authority-unreadable', /authority\.key\.pem: .*backup/);
    await writeFile(keyPath, key);
    await writeFile(join(folder, 'authority.pem'), '');
    await refused(open(folder), 'authority-unreadable', /authority\.pem: .*backup/);
  }));

test('does not work with a key that other users may read', () =>
  withFolder(async (folder) => {
    if (process.platform === 'win32') return;
    await open(folder);
    await chmod(join(folder, 'authority.key.pem'), 0o640);
    await refused(open(folder), 'authority-key-exposed', /chmod 600/);
  }));

test("issues a gateway's certificate for thirty days, begun an hour ago, and logs it", () =>
  withFolder(async (folder) => {
    const now = Date.UTC(2026, 10, 22);
    const { authority, log } = await open(folder, () => now);
    const { requestPem } = await requestFor('gateway-1');
    const issued = await authority.issueGateway(requestPem, 'gateway-1');
    assert.equal(log.slice(1), [issued]);
    assert.is(issued.profile, 'gateway');
    assert.is(issued.commonName, 'gateway-1');
    assert.is(issued.notBefore, now - 3_600_000);
    assert.is(issued.notAfter, now + 30 * 86_400_000);
    const root = new X509Certificate(authority.certificatePem);
    assert.ok(new X509Certificate(issued.certificatePem).verify(root.publicKey));
    const again = await authority.issueGateway(requestPem, 'gateway-1');
    assert.is.not(again.serial, issued.serial);
  }));

test('issues nothing for a request that asks for another gateway', () =>
  withFolder(async (folder) => {
    const { authority, log } = await open(folder);
    const { requestPem } = await requestFor('gateway-2');
    await refused(
      authority.issueGateway(requestPem, 'gateway-1'),
      'request-malformed',
      /'gateway-2'.*'gateway-1'/,
    );
    await refused(authority.issueGateway('hello', 'gateway-1'), 'request-malformed', /PEM/);
    assert.is(log.length, 1);
  }));

test('hands out nothing that could not be logged', () =>
  withFolder(async (folder) => {
    let full = false;
    const authority = await openAuthority({
      folder,
      now: Date.now,
      log: async () => {
        await Promise.resolve();
        if (full) throw new Error('disk full');
      },
    });
    full = true;
    const { requestPem } = await requestFor('gateway-1');
    for (const issuing of [
      authority.issueGateway(requestPem, 'gateway-1'),
      authority.issueServer({ names: [] }),
    ]) {
      await issuing.then(
        () => assert.unreachable('expected the failure of the log'),
        (error: Error) => assert.is(error.message, 'disk full'),
      );
    }
    assert.not.ok((await readdir(folder)).includes('server.pem'));
  }));

test.run();
