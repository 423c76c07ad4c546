// Vouchers and openssl's cms command, in both directions.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVoucher, generateKeyPair, issueCertificate, readVoucher, softwareSigner } from './index.ts';
import { coded, makeRoot, openssl, opensslFound, terms } from './test-fleet.ts';
import { aVoucher, makeIssuer, tampered, withContent } from './test-vouchers.ts';

const compared = suite('vouchers compared with openssl');
// A machine without openssl runs everything else.
const test = opensslFound ? compared : compared.skip;
if (!opensslFound)
  console.log('skipped: vouchers compared with openssl: it is not installed (apt-get install openssl)');

let folder = '';
compared.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-vouchers-'));
});
compared.after(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const time = { kind: 'known', wall: Date.now() } as const;
const root = await makeRoot();
const between = await makeIssuer(root, 'Test intermediate', { profile: 'authority', pathLength: 0 });
const key = await generateKeyPair();
const subject = { commonName: 'voucher signer', publicKeyPem: key.publicKeyPem };
const signer = {
  signer: softwareSigner(key.privateKeyPem),
  certificatePem: issueCertificate({ ...terms(), profile: 'voucher', issuer: between, subject }),
};
const ours = createVoucher({ voucher: aVoucher(root), signer, chainPem: between.certificatePem });

/** `-purpose any`: openssl knows no purpose of vouchers, and would ask for one of mail. */
async function verified(base64: string): Promise<string> {
  const input = await file('voucher.der', Buffer.from(base64, 'base64'));
  const authority = await file('root.pem', root.certificatePem);
  return openssl(
    ['cms', '-verify', '-binary', '-inform', 'DER', '-in', input, '-CAfile', authority, '-purpose', 'any'],
    '',
  );
}

test('our voucher verifies there, up to the root, and its content comes out', async () => {
  const said = await verified(ours);
  assert.match(said, /Verification successful/i);
  assert.match(said, /"serial-number":"10000000a1b2c3d4"/);
});

test('one that was changed does not verify there either', async () => {
  const changed = tampered(ours, (pieces) => withContent(pieces, '{}'));
  await verified(changed).then(assert.unreachable, (error: Error) => assert.match(error.message, /failure/i));
});

test('it has there the type of content and the attributes of RFC 8366', async () => {
  const input = await file('printed.der', Buffer.from(ours, 'base64'));
  const said = await openssl(['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', input]);
  assert.match(said, /eContentType: .*\(1\.2\.840\.113549\.1\.9\.16\.1\.40\)/);
  assert.match(said, /signedAttrs:[\s\S]*contentType[\s\S]*signingTime[\s\S]*messageDigest/);
  assert.match(said, /digestAlgorithm: *\n? *algorithm: sha256/);
});

/** Signs our voucher's content there. */
async function theirs(...options: string[]): Promise<string> {
  let content = '';
  tampered(ours, ({ octets }) => {
    content = octets.value as string;
  });
  const output = join(folder, 'theirs.der');
  await openssl([
    ...['cms', '-sign', '-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.40'],
    ...['-signer', await file('signer.pem', signer.certificatePem)],
    ...['-inkey', await file('signer.key.pem', key.privateKeyPem)],
    ...['-certfile', await file('between.pem', between.certificatePem)],
    ...['-in', await file('content.json', content), '-outform', 'DER', '-out', output, ...options],
  ]);
  return (await readFile(output)).toString('base64');
}

test('a voucher signed there is read here, with the attributes openssl adds and without', async () => {
  const options = { authorityPem: root.certificatePem, time };
  assert.equal(readVoucher(await theirs('-md', 'sha256'), options), aVoucher(root));
  assert.equal(readVoucher(await theirs('-md', 'sha256', '-nosmimecap'), options), aVoucher(root));
});

test('what is signed there otherwise than RFC 8366 as it is used here is refused', async () => {
  const options = { authorityPem: root.certificatePem, time };
  const cases: [string[], RegExp][] = [
    [['-md', 'sha512'], /SHA-256/],
    [['-md', 'sha256', '-noattr'], /SignerInfo/],
    [['-md', 'sha256', '-nocerts'], /SignedData|comes with 0/],
    [['-md', 'sha256', '-keyid'], /SignerInfo|another version|by issuer and number/],
    [['-md', 'sha256', '-keyopt', 'rsa_padding_mode:pss'], /otherwise than by RSA/],
    [['-md', 'sha256', '-stream'], /DER|Too few bytes|form/],
  ];
  for (const [args, why] of cases) {
    const base64 = await theirs(...args);
    assert.throws(() => readVoucher(base64, options), coded('voucher-refused', why), args.join(' '));
  }
});

compared.run();
