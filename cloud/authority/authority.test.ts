import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryKeys } from '../keys/test-keys.ts';
import { openAuthority } from './index.ts';
import { keys, open, requestFor, says, withFolder } from './test-parts.ts';

const test = suite('authority');

const day = 24 * 3_600_000;

const refused = (opening: Promise<unknown>, code: string, piece: RegExp) =>
  opening.then(
    () => assert.unreachable(`expected ${code}`),
    (error: unknown) => assert.ok(says(error, code, piece), String(error)),
  );

const files = ['authority.json', 'authority.pem'];

/** Every private key in PEM, of whatever kind. */
const privateKey = /PRIVATE KEY-----/;

/** A root as it was kept before keys were sealed. */
async function makeOld(folder: string): Promise<{ privateKeyPem: string; certificatePem: string }> {
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const now = Date.now();
  const certificatePem = createAuthority({
    ...{ commonName: 'Loadline fleet authority 0badcafe', signer, serial: randomBytes(16) },
    ...{ notBefore: now - 400 * day, notAfter: now + 19 * 365 * day },
  });
  await writeFile(join(folder, 'authority.key.pem'), privateKeyPem, { mode: 0o600 });
  await writeFile(join(folder, 'authority.pem'), certificatePem);
  await writeFile(join(folder, 'server.pem'), `${privateKeyPem}${certificatePem}`, { mode: 0o600 });
  return { privateKeyPem, certificatePem };
}

test('makes a root and an issuer under it at the first start, for its owner alone, and leaves nothing else', () =>
  withFolder(async (folder) => {
    const place = join(folder, 'deep', 'authority');
    const { authority, log } = await open(place);
    assert.equal(
      log.map(({ profile, issuerFingerprint }) => [profile, issuerFingerprint]),
      [
        ['authority', log[0]?.fingerprint],
        ['authority', log[0]?.fingerprint],
      ],
    );
    assert.is(log[0]?.certificatePem, authority.certificatePem);
    assert.is(authority.rootsPem, authority.certificatePem);
    assert.equal(
      authority.caCertificates(),
      log.map(({ certificatePem }) => certificatePem),
    );
    assert.is(authority.clientTrust(), authority.caCertificates().join(''));
    assert.equal((await readdir(place)).sort(), files);
    assert.is(await readFile(join(place, 'authority.pem'), 'utf8'), authority.certificatePem);
    if (process.platform !== 'win32') {
      assert.is((await stat(place)).mode & 0o777, 0o700);
      assert.is((await stat(join(place, 'authority.json'))).mode & 0o777, 0o600);
    }
  }));

test('keeps no private key that can be read, the ones of the cloud itself included', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const { privateKeyPem } = await authority.issueServer({ names: [] });
    await authority.voucherSigner();
    const names = await readdir(folder);
    assert.equal(names.sort(), [...files, 'server.json', 'voucher.json']);
    const middle = privateKeyPem.split('\n')[10] ?? '';
    assert.ok(middle.length === 64);
    for (const name of names) {
      const text = await readFile(join(folder, name), 'utf8');
      assert.not.match(text, privateKey, name);
      assert.not.ok(text.includes(middle), name);
    }
  }));

test('does not open with other keys, and says so', () =>
  withFolder(async (folder) => {
    await open(folder);
    await openAuthority({ folder, keys: memoryKeys(), now: Date.now, log: () => undefined }).then(
      () => assert.unreachable('it opened'),
      (error: Error) =>
        assert.match(error.message, /private key of [0-9a-f]{16} does not open.*older backup/),
    );
  }));

test('is the same at the second start, and issues nothing for it', () =>
  withFolder(async (folder) => {
    const first = await open(folder);
    const second = await open(folder);
    assert.is(second.authority.certificatePem, first.authority.certificatePem);
    assert.is(second.authority.clientTrust(), first.authority.clientTrust());
    assert.equal(second.log, []);
  }));

test('closes a folder that was open to others', () =>
  withFolder(async (folder) => {
    if (process.platform === 'win32') return;
    await chmod(folder, 0o755);
    await open(folder);
    assert.is((await stat(folder)).mode & 0o777, 0o700);
  }));

test('takes over a folder from before keys were sealed: its root stays, and its key is sealed', () =>
  withFolder(async (folder) => {
    const old = await makeOld(folder);
    const { authority, log } = await open(folder);
    assert.is(authority.certificatePem, old.certificatePem);
    // The root was recorded when it was made.
    assert.equal(
      log.map(({ issuerFingerprint }) => issuerFingerprint),
      [new X509Certificate(old.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase()],
    );
    assert.equal((await readdir(folder)).sort(), files);
    const { issuer, root } = authority.standing();
    assert.ok(root.isOnline);
    assert.is.not(issuer.fingerprint, root.fingerprint);
    for (const name of files) assert.not.match(await readFile(join(folder, name), 'utf8'), privateKey);
  }));

test('takes over a first start that was cut between key and certificate, with that key', () =>
  withFolder(async (folder) => {
    const old = await makeOld(folder);
    await rm(join(folder, 'authority.pem'));
    await writeFile(join(folder, 'authority.pem.new'), old.certificatePem.slice(0, 100));
    const { authority } = await open(folder);
    const key = (pem: string) => new X509Certificate(pem).publicKey;
    assert.ok(key(authority.certificatePem).equals(key(old.certificatePem)));
  }));

test('names a missing key, a foreign key and a damaged file, and what to do', () =>
  withFolder(async (folder) => {
    const old = await makeOld(folder);
    const keyPath = join(folder, 'authority.key.pem');
    await rm(keyPath);
    await refused(open(folder), 'authority-incomplete', /authority\.json is missing.*backup of the keys/);
    await writeFile(keyPath, (await generateKeyPair()).privateKeyPem, { mode: 0o600 });
    await refused(open(folder), 'authority-incomplete', /is not the key of/);
    await writeFile(keyPath, old.privateKeyPem.slice(0, 300));
    await refused(open(folder), 'authority-unreadable', /authority\.key\.pem: .*backup/);
    await writeFile(keyPath, old.privateKeyPem);
    await writeFile(join(folder, 'authority.pem'), '');
    await refused(open(folder), 'authority-unreadable', /authority\.pem: .*backup/);
    await writeFile(join(folder, 'authority.json'), '{"format":1}', { mode: 0o600 });
    await refused(open(folder), 'authority-unreadable', /authority\.json is not what the cloud wrote/);
  }));

test('does not work with keys that other users may read', () =>
  withFolder(async (folder) => {
    if (process.platform === 'win32') return;
    await makeOld(folder);
    await chmod(join(folder, 'authority.key.pem'), 0o640);
    await refused(open(folder), 'authority-key-exposed', /chmod 600/);
    await chmod(join(folder, 'authority.key.pem'), 0o600);
    await open(folder);
    await chmod(join(folder, 'authority.json'), 0o640);
    await refused(open(folder), 'authority-key-exposed', /chmod 600/);
  }));

test("issues a gateway's certificate for thirty days, begun an hour ago, and logs it", () =>
  withFolder(async (folder) => {
    const now = Date.UTC(2026, 10, 22);
    const { authority, log } = await open(folder, () => now);
    const { requestPem } = await requestFor('gateway-1');
    const issued = await authority.issueGateway(requestPem, 'gateway-1');
    assert.equal(log.slice(2), [issued]);
    assert.is(issued.profile, 'gateway');
    assert.is(issued.commonName, 'gateway-1');
    assert.is(issued.notBefore, now - 3_600_000);
    assert.is(issued.notAfter, now + 30 * 86_400_000);
    const [leaf, issuer] = issued.chainPem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
    assert.is(leaf, issued.certificatePem);
    assert.is(issuer, log[1]?.certificatePem);
    assert.is(issued.issuerFingerprint, log[1]?.fingerprint);
    assert.ok(new X509Certificate(leaf ?? '').verify(new X509Certificate(issuer ?? '').publicKey));
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
    assert.is(log.length, 2);
  }));

test('makes what vouchers are signed with once, however many ask for the first of them at a time', () =>
  withFolder(async (folder) => {
    const { authority, log } = await open(folder);
    const signers = await Promise.all([1, 2, 3, 4].map(() => authority.voucherSigner()));
    assert.is(new Set(signers.map(({ certificatePem }) => certificatePem)).size, 1);
    assert.is(log.filter(({ profile }) => profile === 'voucher').length, 1);
  }));

test('hands out nothing that could not be logged', () =>
  withFolder(async (folder) => {
    let full = false;
    const authority = await openAuthority({
      folder,
      keys,
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
    assert.not.ok((await readdir(folder)).includes('server.json'));
  }));

test.run();
