import { X509Certificate } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { open, spoilSignature, withFolder } from './test-parts.ts';

const test = suite('server identity');

const day = 86_400_000;
const start = Date.UTC(2026, 10, 22);

test('is for this machine and the configured names, and kept in one private file', () =>
  withFolder(async (folder) => {
    const { authority, log } = await open(folder);
    const made = await authority.issueServer({ names: ['cloud.example.org', '192.0.2.7', 'localhost'] });
    const certificate = new X509Certificate(made.certificatePem);
    for (const name of ['localhost', 'cloud.example.org']) assert.ok(certificate.checkHost(name), name);
    for (const address of ['127.0.0.1', '::1', '192.0.2.7']) assert.ok(certificate.checkIP(address), address);
    assert.is(log.at(-1)?.profile, 'server');
    assert.is(made.certificatePem, log.at(-1)?.chainPem);
    const path = join(folder, 'server.json');
    if (process.platform !== 'win32') assert.is((await stat(path)).mode & 0o777, 0o600);
  }));

test('is kept while a third of its life is left, and made anew, with a new key, after that', () =>
  withFolder(async (folder) => {
    let now = start;
    const { authority } = await open(folder, () => now);
    const names = ['cloud.example.org'];
    const first = await authority.issueServer({ names });
    now = start + 59 * day;
    assert.equal(await authority.issueServer({ names }), first);
    now = start + 61 * day;
    const second = await authority.issueServer({ names });
    assert.is.not(second.privateKeyPem, first.privateKeyPem);
    assert.is(second.notAfter, now + 90 * day);
    assert.equal(await authority.issueServer({ names }), second);
  }));

test('is made anew when a name comes or goes', () =>
  withFolder(async (folder) => {
    const { authority, log } = await open(folder);
    for (const names of [
      [],
      ['a.example'],
      ['a.example', '192.0.2.7'],
      ['b.example', '192.0.2.7'],
      ['b.example'],
    ]) {
      const before = log.length;
      const made = await authority.issueServer({ names });
      assert.is(log.length, before + 1, names.join());
      assert.equal(await authority.issueServer({ names }), made);
      assert.is(log.length, before + 1, names.join());
    }
  }));

test('is made anew when its file is damaged, or from another root', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'server.json');
    const first = await (await open(folder)).authority.issueServer({ names: [] });
    const kept = JSON.parse(await readFile(path, 'utf8'));
    const { chainPem, signer } = await (await open(folder)).authority.voucherSigner();
    assert.ok(signer.publicKeyPem && chainPem);
    const voucher = JSON.parse(await readFile(join(folder, 'voucher.json'), 'utf8'));
    for (const damaged of [
      '',
      JSON.stringify(kept).slice(0, -80),
      JSON.stringify({ ...kept, key: undefined }),
      JSON.stringify({ ...kept, key: voucher.key }),
      JSON.stringify({ ...kept, certificate: spoilSignature(kept.certificate) }),
      JSON.stringify(voucher),
    ]) {
      await writeFile(path, damaged);
      const { authority, log } = await open(folder);
      const made = await authority.issueServer({ names: [] });
      assert.is(log.length, 1, damaged);
      assert.is.not(made.privateKeyPem, first.privateKeyPem);
    }
    await rm(join(folder, 'authority.pem'));
    await rm(join(folder, 'authority.json'));
    const { authority } = await open(folder);
    const { certificatePem } = await authority.issueServer({ names: [] });
    const [, issuer] = authority.caCertificates();
    assert.ok(new X509Certificate(certificatePem).verify(new X509Certificate(issuer ?? '').publicKey));
  }));

test.run();
