import { randomBytes, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chainFault } from '../trust/index.ts';
import { forge } from './forge.ts';
import {
  type CertificateOrder,
  certificateDetails,
  createAuthority,
  generateKeyPair,
  issueCertificate,
  softwareSigner,
} from './index.ts';
import { coded, localServer, makeHolder, makeRoot, terms } from './test-fleet.ts';

const test = suite('certificate');

const root = await makeRoot();
const { publicKeyPem } = await generateKeyPair();
const subject = { commonName: 'gateway-1', publicKeyPem };
const order: Extract<CertificateOrder, { profile: 'gateway' }> = {
  ...terms(),
  profile: 'gateway',
  issuer: root,
  subject,
};

/** basicConstraints, as forge reads it. */
interface Facts {
  readonly cA: boolean;
  readonly pathLenConstraint?: number;
  readonly critical: boolean;
}

test('says what was ordered, its times in whole seconds', () => {
  const notBefore = Date.UTC(2026, 10, 1);
  const notAfter = Date.UTC(2026, 10, 8);
  const serial = Buffer.from('ff00ff00ff00ff00ff', 'hex');
  const issuer = {
    signer: root.signer,
    certificatePem: createAuthority({ ...terms(), commonName: 'Root', signer: root.signer, notBefore }),
  };
  const pem = issueCertificate({
    ...order,
    issuer,
    notBefore: notBefore + 999,
    notAfter: notAfter + 1,
    serial,
  });
  const { fingerprint, ...details } = certificateDetails(pem);
  assert.equal(details, {
    commonName: 'gateway-1',
    serial: '7f00ff00ff00ff00ff',
    notBefore,
    notAfter,
    publicKeyPem,
  });
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
  assert.equal(certificateDetails(new X509Certificate(pem).raw), certificateDetails(pem));
});

test('has a positive serial of the length it was given, whatever the random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 20 }), (serial) => {
      const { serial: written } = certificateDetails(issueCertificate({ ...order, serial }));
      assert.is(written.length, serial.length * 2);
      assert.ok(Number.parseInt(written.slice(0, 2), 16) < 0x80);
    }),
    { numRuns: 20 },
  );
  for (const length of [0, 7, 21]) {
    assert.throws(
      () => issueCertificate({ ...order, serial: randomBytes(length) }),
      coded('issuance-invalid', /8 to 20/),
    );
  }
});

test('is for exactly the names of the server it was ordered for', async () => {
  const certificate = new X509Certificate((await makeHolder(root, 'server', localServer)).cert);
  assert.ok(certificate.checkHost('localhost'));
  assert.ok(certificate.checkIP('127.0.0.1'));
  assert.ok(certificate.checkIP('::1'));
  assert.not.ok(certificate.checkHost('server', { subject: 'never' }));
  assert.not.ok(certificate.checkIP('127.0.0.2'));
});

test('writes every IPv6 address as node reads it', () => {
  const ipAddresses = ['::', '1::', '2001:db8::5', 'fe80::1:0:2', '2001:0db8:0:0:0:0:00ff:1'];
  const pem = issueCertificate({ ...order, profile: 'server', dnsNames: [], ipAddresses });
  for (const address of ipAddresses) assert.ok(new X509Certificate(pem).checkIP(address), address);
});

test('is not issued for a server without a name, or with one that is none', () => {
  const names: [string[], string[]][] = [
    [[], []],
    [['*.example.org'], []],
    [['a b'], []],
    [[''], []],
    [[], ['localhost']],
    [[], ['::ffff:192.0.2.1']],
    [[], ['fe80::1%eth0']],
  ];
  for (const [dnsNames, ipAddresses] of names) {
    assert.throws(
      () => issueCertificate({ ...order, profile: 'server', dnsNames, ipAddresses }),
      coded('issuance-invalid', /name|address/),
    );
  }
});

test('is not issued to outlive its issuer, or to end before it begins', () => {
  const { notBefore } = order;
  assert.throws(
    () => issueCertificate({ ...order, notAfter: order.notAfter + 86_400_000 }),
    coded('issuance-invalid', /outlive/),
  );
  assert.throws(
    () => issueCertificate({ ...order, notAfter: notBefore }),
    coded('issuance-invalid', /before it begins/),
  );
  assert.throws(
    () => issueCertificate({ ...order, notAfter: Number.NaN }),
    coded('issuance-invalid', /before it begins/),
  );
});

test('is not issued with the key of another than its issuer', async () => {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const issuer = { certificatePem: root.certificatePem, signer };
  assert.throws(
    () => issueCertificate({ ...order, issuer }),
    coded('issuance-invalid', /signer's key is not/),
  );
});

test('is not issued for what is no key', () => {
  const nobody = { commonName: 'gateway-1', publicKeyPem: 'hello' };
  assert.throws(() => issueCertificate({ ...order, subject: nobody }), coded('key-malformed', /public key/));
});

test('of an authority says how many authorities may be under it, where that is said, and of nobody else', async () => {
  const facts = (pem: string) => forge.pki.certificateFromPem(pem).getExtension('basicConstraints');
  const authority = { ...order, profile: 'authority' } as const;
  for (const pathLength of [0, 1]) {
    const { cA, pathLenConstraint, critical } = facts(
      issueCertificate({ ...authority, pathLength }),
    ) as Facts;
    assert.equal([cA, pathLenConstraint, critical], [true, pathLength, true]);
  }
  const unlimited = facts(issueCertificate(authority)) as Facts;
  assert.equal([unlimited.cA, unlimited.pathLenConstraint], [true, undefined]);
  const { cA, pathLenConstraint } = facts(issueCertificate(order)) as Facts;
  assert.equal([cA, pathLenConstraint], [false, undefined]);
});

test('under an authority that may have none under it, issues to holders and to no authority', async () => {
  const [between, below] = await Promise.all(
    ['Between', 'Below'].map(async (commonName) => {
      const { privateKeyPem, publicKeyPem: key } = await generateKeyPair();
      return { subject: { commonName, publicKeyPem: key }, signer: softwareSigner(privateKeyPem) };
    }),
  );
  if (between === undefined || below === undefined) throw new Error('two were made');
  const authority = { ...order, profile: 'authority', pathLength: 0 } as const;
  const first = issueCertificate({ ...authority, subject: between.subject });
  const issuer = { certificatePem: first, signer: between.signer };
  const second = issueCertificate({ ...authority, issuer, subject: below.subject });
  const judged = (...presented: string[]) =>
    chainFault({
      presented: presented.map((pem) => new X509Certificate(pem).raw),
      authorityPem: root.certificatePem,
      claim: { kind: 'client', commonName: 'gateway-1' },
      time: { kind: 'known', wall: Date.now() },
    });
  assert.is(judged(issueCertificate({ ...order, issuer }), first), undefined);
  const forged = issueCertificate({ ...order, issuer: { certificatePem: second, signer: below.signer } });
  assert.match(String(judged(forged, second, first)), /so many authorities under it/);
});

test('is refused when it is none, or has no common name', () => {
  assert.throws(() => certificateDetails('hello'), coded('certificate-malformed', /not an X.509/));
  assert.throws(() => certificateDetails(randomBytes(400)), coded('certificate-malformed', /not an X.509/));
});

test.run();
