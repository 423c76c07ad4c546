import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createAuthority,
  createSigningRequest,
  decodeCertsOnly,
  encodeCertsOnly,
  generateKeyPair,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from './index.ts';
import { coded, localServer, makeHolder, makeRoot, openssl, opensslFound, terms } from './test-fleet.ts';

const openSsl = suite('compared with openssl');
// A machine without openssl runs everything else.
const test = opensslFound ? openSsl : openSsl.skip;
if (!opensslFound)
  console.log('skipped: compared with openssl: it is not installed (apt-get install openssl)');

let folder = '';
openSsl.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-identity-'));
});
openSsl.after(() => rm(folder, { recursive: true }));

async function file(content: string): Promise<string> {
  const path = join(folder, `${randomUUID()}.pem`);
  await writeFile(path, content);
  return path;
}

test('our request verifies there', async () => {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const said = await openssl(
    ['req', '-verify', '-noout', '-text'],
    createSigningRequest({ commonName: 'gateway-1', signer }),
  );
  assert.match(said, /self-signature verify OK/i);
  assert.match(said, /Subject: CN ?= ?gateway-1\n/);
  assert.match(said, /\(2048 bit\)/);
});

test('a request made there is read here, whatever its hash of the SHA-2 family', async () => {
  const key = (await generateKeyPair()).privateKeyPem;
  const keyPath = await file(key);
  for (const hash of ['-sha256', '-sha384', '-sha512']) {
    const pem = await openssl(['req', '-new', '-key', keyPath, '-subj', '/CN=gateway-1', hash]);
    const { publicKeyPem } = softwareSigner(key);
    assert.equal(readSigningRequest(pem), { commonName: 'gateway-1', publicKeyPem }, hash);
  }
});

test('a request made there is refused with an EC key, SHA-1, another subject, or extensions that cannot be', async () => {
  const keyPath = await file((await generateKeyPair()).privateKeyPem);
  const request = (...args: string[]) => openssl(['req', '-new', ...args]);
  const cases: [string, RegExp][] = [
    [
      await request(
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        join(folder, 'ec.pem'),
        '-subj',
        '/CN=gateway-1',
      ),
      /RSA/,
    ],
    [await request('-key', keyPath, '-subj', '/CN=gateway-1', '-sha1'), /SHA-256/],
    [await request('-key', keyPath, '-subj', '/O=Else/CN=gateway-1'), /one common name and nothing else/],
    [
      await request('-key', keyPath, '-subj', '/CN=gateway-1/CN=gateway-2'),
      /one common name and nothing else/,
    ],
    [await request('-key', keyPath, '-subj', '/O=Else'), /one common name and nothing else/],
  ];
  for (const [pem, why] of cases)
    assert.throws(() => readSigningRequest(pem), coded('request-malformed', why));
});

test('what a request asks for beyond its name is not granted', async () => {
  const root = await makeRoot();
  const keyPath = await file((await generateKeyPair()).privateKeyPem);
  const pem = await openssl([
    'req',
    '-new',
    '-key',
    keyPath,
    '-subj',
    '/CN=gateway-1',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'subjectAltName=DNS:evil.example',
  ]);
  const issued = issueCertificate({
    ...terms(),
    profile: 'gateway',
    issuer: root,
    subject: readSigningRequest(pem),
  });
  const said = await openssl(['x509', '-noout', '-text'], issued);
  assert.match(said, /CA:FALSE/);
  assert.not.match(said, /evil/);
});

test('our certificates verify there, strictly and each for its purpose only', async () => {
  const root = await makeRoot();
  const rootPath = await file(root.certificatePem);
  const gateway = await file((await makeHolder(root, 'gateway-1', { profile: 'gateway' })).cert);
  const server = await file((await makeHolder(root, 'server', localServer)).cert);
  const verify = (purpose: string, path: string) =>
    openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', rootPath, path]).then(
      () => 'good',
      () => 'refused',
    );
  assert.is(await verify('sslclient', gateway), 'good');
  assert.is(await verify('sslserver', gateway), 'refused');
  assert.is(await verify('sslserver', server), 'good');
  assert.is(await verify('sslclient', server), 'refused');
});

test('a chain over an intermediate authority verifies there, and a leaf cannot issue', async () => {
  const root = await makeRoot();
  const key = await generateKeyPair();
  const subject = { commonName: 'Test intermediate', publicKeyPem: key.publicKeyPem };
  const intermediate = {
    signer: softwareSigner(key.privateKeyPem),
    certificatePem: issueCertificate({ ...terms(), profile: 'authority', issuer: root, subject }),
  };
  const leaf = await makeHolder(intermediate, 'gateway-1', { profile: 'gateway' });
  const said = await openssl([
    'verify',
    '-x509_strict',
    '-CAfile',
    await file(root.certificatePem),
    '-untrusted',
    await file(intermediate.certificatePem),
    await file(leaf.cert),
  ]);
  assert.match(said, /OK/);
  const asIssuer = { certificatePem: leaf.cert, signer: softwareSigner(leaf.key) };
  await makeHolder(asIssuer, 'gateway-2', { profile: 'gateway' }).then(
    () => assert.unreachable(),
    (error: unknown) => assert.ok(coded('issuance-invalid', /not an authority/)(error)),
  );
});

test('a root that ends after 2049 has a date that is read there', async () => {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const times = { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2061, 0, 1), serial: terms().serial };
  const pem = createAuthority({ commonName: 'Long root', signer, ...times });
  assert.match(await openssl(['x509', '-noout', '-enddate'], pem), /Jan +1 00:00:00 2061 GMT/);
});

test('certs-only messages are read in both directions', async () => {
  const root = await makeRoot();
  const { cert } = await makeHolder(root, 'gateway-1', { profile: 'gateway' });
  const ours = Buffer.from(encodeCertsOnly([cert, root.certificatePem]), 'base64');
  const said = await openssl(['pkcs7', '-inform', 'DER', '-print_certs'], ours);
  assert.ok(said.includes(cert) && said.includes(root.certificatePem));

  const theirs = await openssl([
    'crl2pkcs7',
    '-nocrl',
    '-certfile',
    await file(cert),
    '-certfile',
    await file(root.certificatePem),
    '-outform',
    'PEM',
  ]);
  const decoded = decodeCertsOnly(theirs.replace(/-----[^-]+-----/g, ''));
  assert.equal(new Set(decoded), new Set([cert, root.certificatePem]));
});

openSsl.run();
