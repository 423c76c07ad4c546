import { X509Certificate } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chainFault } from '../trust/index.ts';
import { forge, fromDer } from './forge.ts';
import {
  createAuthority,
  createVoucher,
  type Issuer,
  identityLimits,
  issueCertificate,
  readVoucher,
  type Voucher,
} from './index.ts';
import { coded, localServer, makeRoot, terms } from './test-fleet.ts';
import { aVoucher, held, makeIssuer, named, tampered, withContent } from './test-vouchers.ts';

const test = suite('vouchers');

const day = 86_400_000;
const now = Date.now();
const time = { kind: 'known', wall: now } as const;
const root = await makeRoot();
const between = await makeIssuer(root, 'Test intermediate', { profile: 'authority', pathLength: 0 });
const signer = await makeIssuer(between, 'voucher signer', { profile: 'voucher' });
const chainPem = between.certificatePem;
const good = createVoucher({ voucher: aVoucher(root), signer, chainPem });
const read = (base64: string, judged: Parameters<typeof readVoucher>[1]['time'] = time): Voucher =>
  readVoucher(base64, { authorityPem: root.certificatePem, time: judged });
const refused = (base64: string, why: RegExp, judged?: Parameters<typeof read>[1]): void =>
  assert.throws(() => read(base64, judged), coded('voucher-refused', why), String(why));

test('a voucher is read as it was written, with a nonce or with an end', () => {
  assert.equal(read(good), aVoucher(root));
  const { nonce: _, ...rest } = aVoucher(root, { expiresOn: now + day });
  assert.equal(read(createVoucher({ voucher: rest, signer, chainPem })), rest);
});

test('its signer may stand right under the trusted authority, and several authorities may be trusted', async () => {
  const other = await makeRoot('Another root');
  const under = await makeIssuer(root, 'signer', { profile: 'voucher' });
  const base64 = createVoucher({ voucher: aVoucher(root), signer: under, chainPem: under.certificatePem });
  const authorityPem = other.certificatePem + root.certificatePem;
  assert.equal(readVoucher(base64, { authorityPem, time }), aVoucher(root));
});

test('a gateway that knows only the root before believes a voucher by the certificate that crosses over', async () => {
  const next = await makeRoot('Next root');
  const subject = { commonName: 'Next root', publicKeyPem: next.signer.publicKeyPem };
  const cross = issueCertificate({
    ...{ ...terms(), profile: 'authority', pathLength: undefined },
    ...{ issuer: root, subject },
  });
  const issuing = await makeIssuer(next, 'Next issuing', { profile: 'authority', pathLength: 0 });
  const by = await makeIssuer(issuing, 'signer', { profile: 'voucher' });
  const voucher = aVoucher(next);
  const under = (chain: string) => createVoucher({ voucher, signer: by, chainPem: chain });
  assert.equal(read(under(issuing.certificatePem + cross)), voucher);
  refused(under(issuing.certificatePem), /was not issued under the authority/);
});

test('no voucher is made that would not be read', () => {
  const make = (changes: Partial<Voucher>) => () =>
    createVoucher({ voucher: aVoucher(root, changes), signer, chainPem });
  assert.throws(make({ expiresOn: now + day }), coded('voucher-refused', /a nonce or an end/));
  assert.throws(make({ ownershipCounter: 0 }), coded('voucher-refused', /ownership-counter/));
  assert.throws(make({ serialNumber: 'a b' }), coded('voucher-refused', /serial-number/));
  assert.throws(make({ nonce: 'aabb' }), coded('voucher-refused', /nonce has 2 bytes/));
  assert.throws(make({ pinnedAuthorityPem: signer.certificatePem }), coded('voucher-refused', /authority/));
  const { nonce: _, ...forEver } = aVoucher(root);
  assert.throws(
    () => createVoucher({ voucher: forEver, signer, chainPem }),
    coded('voucher-refused', /a nonce or an end/),
  );
  assert.throws(
    () => createVoucher({ voucher: aVoucher(root), signer: { ...signer, ...onlyOf(root) }, chainPem }),
    coded('certificate-malformed', /not that of the signer/),
  );
});

const onlyOf = ({ certificatePem }: Issuer) => ({ certificatePem });

test('a signature by whoever may not sign vouchers is refused, and says whose it is', async () => {
  const foreign = await makeRoot('Another root');
  const cases: [string, Issuer, RegExp][] = [
    ['gateway', await makeIssuer(between, 'gw-1', { profile: 'gateway' }), /is not for signing vouchers/],
    ['server', await makeIssuer(between, 'cloud', localServer), /is not for signing vouchers/],
    ['the root itself', root, /is an authority's/],
    [
      'one of another fleet',
      await makeIssuer(foreign, 'signer', { profile: 'voucher' }),
      /was not issued under the authority/,
    ],
    ['self-signed', foreign, /was not issued under the authority/],
  ];
  for (const [, by, why] of cases) {
    refused(createVoucher({ voucher: aVoucher(root), signer: by, chainPem }), why);
  }
  refused(createVoucher({ voucher: aVoucher(root), signer: between, chainPem: '' }), /is an authority's/);
});

test('a certificate for vouchers is none for TLS', () => {
  const presented = [signer.certificatePem, chainPem].map((pem) => new X509Certificate(pem).raw);
  const judge = (claim: Parameters<typeof chainFault>[0]['claim']) =>
    chainFault({ presented, authorityPem: root.certificatePem, claim, time });
  assert.is(judge({ kind: 'voucher' }), undefined);
  assert.match(judge({ kind: 'client', commonName: 'voucher signer' }) ?? '', /not for a TLS client/);
  assert.match(judge({ kind: 'server', host: 'localhost' }) ?? '', /not for a TLS server/);
});

test('an end that is over is refused by a known time and by a floor, and not by a floor before it', () => {
  const { nonce: _, ...rest } = aVoucher(root, { expiresOn: now + day });
  const base64 = createVoucher({ voucher: rest, signer, chainPem });
  refused(base64, /it ended at .*ask for a new one/, { kind: 'known', wall: now + day + 1 });
  refused(base64, /it ended at .*or later/, { kind: 'at-least', wall: now + day + 1 });
  assert.equal(read(base64, { kind: 'at-least', wall: 0 }), rest);
  assert.equal(read(base64, { kind: 'known', wall: now + day }), rest);
});

test('a signer whose certificate is over is refused, and one that has not begun where the time is known', async () => {
  const over = await makeIssuer(between, 'over', { profile: 'voucher' }, { notAfter: now - 3_600_000 });
  const early = await makeIssuer(between, 'early', { profile: 'voucher' }, { notBefore: now + 3_600_000 });
  const by = (issuer: Issuer) => createVoucher({ voucher: aVoucher(root), signer: issuer, chainPem });
  refused(by(over), /signer's certificate ended at/);
  refused(by(over), /signer's certificate ended at/, { kind: 'at-least', wall: now });
  assert.ok(read(by(over), { kind: 'at-least', wall: 0 }));
  refused(by(early), /signer's certificate begins at/);
});

test('each byte of it matters: with any one of them changed it is refused', () => {
  const der = Buffer.from(good, 'base64');
  for (let at = 0; at < der.length; at++) {
    const flipped = Buffer.from(der);
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
    assert.throws(() => read(flipped.toString('base64')), coded('voucher-refused', /./), `byte ${at}`);
  }
});

test('cut short, padded, or not base64 it is refused', () => {
  const der = Buffer.from(good, 'base64');
  for (let length = 0; length < der.length; length += 61) {
    refused(der.subarray(0, length).toString('base64'), /./);
  }
  refused(Buffer.concat([der, Buffer.of(0)]).toString('base64'), /./);
  refused(`${good}\n`, /not base64/);
  refused(` ${good}`, /not base64/);
  refused('', /not base64/);
  refused('voucher', /not base64/);
});

test('what is longer than any voucher is refused before it is looked at, and what is nested without end too', () => {
  refused(Buffer.alloc(identityLimits.voucherBytes + 1).toString('base64'), /has 16385 bytes/);
  let nested = Buffer.of(0x05, 0x00);
  while (nested.length < identityLimits.voucherBytes - 4) {
    const { length } = nested;
    const head = length < 128 ? [0x30, length] : [0x30, 0x82, length >> 8, length & 0xff];
    nested = Buffer.concat([Buffer.from(head), nested]);
  }
  refused(nested.toString('base64'), /./);
});

test('each signed attribute must be there, once, with one value, in order, and say what is so', () => {
  const types = {
    'content-type': '1.2.840.113549.1.9.3',
    'message-digest': '1.2.840.113549.1.9.4',
    'signing-time': '1.2.840.113549.1.9.5',
  };
  for (const [name, type] of Object.entries(types)) {
    const at = (attributes: forge.asn1.Asn1[]) => attributes.findIndex((each) => named(each, type));
    refused(
      tampered(good, ({ attributes }) => attributes.splice(at(attributes), 1), signer),
      new RegExp(`lacks the signed attribute ${name}`),
    );
    const twice = tampered(
      good,
      ({ attributes }) => attributes.splice(at(attributes), 0, attributes[at(attributes)] as forge.asn1.Asn1),
      signer,
    );
    refused(twice, /has the signed attribute .* twice/);
    const several = tampered(
      good,
      ({ attributes }) => {
        const values = held(held(attributes[at(attributes)])[1]);
        values.push(values[0] as forge.asn1.Asn1);
      },
      signer,
    );
    refused(several, /several where one must be/);
    const empty = tampered(
      good,
      ({ attributes }) => held(held(attributes[at(attributes)])[1]).splice(0),
      signer,
    );
    refused(empty, /none or several/);
  }
  refused(
    tampered(good, ({ attributes }) => attributes.reverse(), signer),
    /another order than DER/,
  );
  refused(
    tampered(
      good,
      ({ octets }) => {
        octets.value = '{}';
      },
      signer,
    ),
    /another content than was signed/,
  );
  refused(
    tampered(
      good,
      ({ attributes }) => {
        const value = held(held(attributes.find((each) => named(each, types['content-type'])))[1])[0];
        (value as forge.asn1.Asn1).value = forge.asn1.oidToDer('1.2.840.113549.1.7.1').getBytes();
      },
      signer,
    ),
    /signed as another type of content/,
  );
  // All of them left out: then the content itself would have been signed.
  refused(
    tampered(good, ({ signer: parts }) => parts.splice(3, 1)),
    /SignerInfo/,
  );
});

test('another type of content is refused, though it is signed as what it is', () => {
  const plain = tampered(
    good,
    ({ encapsulated, attributes }) => {
      const oid = forge.asn1.oidToDer('1.2.840.113549.1.7.1').getBytes();
      (encapsulated[0] as forge.asn1.Asn1).value = oid;
      const value = held(held(attributes.find((each) => named(each, '1.2.840.113549.1.9.3')))[1])[0];
      (value as forge.asn1.Asn1).value = oid;
    },
    signer,
  );
  refused(plain, /holds 1\.2\.840\.113549\.1\.7\.1, not/);
});

test('two signers, none, or one whose certificate is not there are refused', () => {
  refused(
    tampered(good, ({ signers }) => signers.push(signers[0] as forge.asn1.Asn1)),
    /has 2 signers/,
  );
  refused(
    tampered(good, ({ signers }) => signers.splice(0)),
    /has 0 signers/,
  );
  refused(
    tampered(good, ({ certificates }) => certificates.splice(0)),
    /comes with 0 certificates of its signer/,
  );
  refused(
    tampered(good, ({ certificates }) => certificates.push(...certificates)),
    /comes with 2 certificates of its signer/,
  );
});

test('what nobody signed is not taken along: attributes that are not signed, lists of the revoked', () => {
  const { Class, create } = forge.asn1;
  const field = create(Class.CONTEXT_SPECIFIC, 1 as forge.asn1.Type, true, []);
  refused(
    tampered(good, ({ signer: parts }) => parts.push(field)),
    /SignerInfo/,
  );
  refused(
    tampered(good, ({ signedData }) => signedData.splice(4, 0, field)),
    /SignedData/,
  );
});

test('another digest, and another way of signing, are refused', () => {
  const sha1 = forge.asn1.oidToDer('1.3.14.3.2.26').getBytes();
  const renamed = (algorithm: forge.asn1.Asn1 | undefined, oid = sha1) => {
    (held(algorithm)[0] as forge.asn1.Asn1).value = oid;
  };
  refused(
    tampered(good, ({ signer: parts }) => renamed(parts[2]), signer),
    /otherwise than by SHA-256/,
  );
  refused(
    tampered(good, ({ signedData }) => renamed(held(signedData[1])[0]), signer),
    /otherwise than by SHA-256/,
  );
  const pss = forge.asn1.oidToDer('1.2.840.113549.1.1.10').getBytes();
  refused(
    tampered(good, ({ signer: parts }) => renamed(parts[4], pss), signer),
    /otherwise than by RSA/,
  );
});

test('the chain of another voucher does not lend itself: the certificate named must be that of the key', async () => {
  const other = await makeIssuer(between, 'another signer', { profile: 'voucher' });
  const theirs = createVoucher({ voucher: aVoucher(root), signer: other, chainPem });
  const named = held(fromDer(Buffer.from(theirs, 'base64')))[1];
  const info = held(held(held(held(named)[0])[4])[0]);
  const swapped = tampered(good, ({ signer: parts }) => {
    parts[1] = info[1] as forge.asn1.Asn1;
  });
  refused(swapped, /comes with 0 certificates of its signer/);
  const both = tampered(swapped, ({ certificates }) =>
    certificates.push(fromDer(new X509Certificate(other.certificatePem).raw)),
  );
  refused(both, /signature that does not verify/);
});

test('content that the right hand signed is still looked at', () => {
  const members = { ...JSON.parse(contentOf(good))['ietf-voucher:voucher'] };
  const said = (change: object, json?: string) =>
    tampered(
      good,
      (pieces) =>
        withContent(pieces, json ?? JSON.stringify({ 'ietf-voucher:voucher': { ...members, ...change } })),
      signer,
    );
  assert.equal(read(said({})), aVoucher(root));
  const cases: [string, RegExp][] = [
    [said({}, 'nonsense'), /not JSON/],
    [said({}, '[]'), /outermost/],
    [said({ 'serial-number': 7 }), /serial-number/],
    [said({ 'serial-number': 'x'.repeat(65) }), /serial-number/],
    [said({ nonce: 'AAAA' }), /nonce has 3 bytes/],
    [said({ nonce: undefined }), /a nonce or an end/],
    [said({ 'expires-on': new Date(now + day).toISOString() }), /a nonce or an end/],
    [said({ 'created-on': 'yesterday' }), /created-on/],
    [said({ assertion: 'hoped' }), /assertion/],
    [said({ 'loadline:ownership-counter': 1.5 }), /ownership-counter/],
    [said({ 'loadline:ownership-counter': 2 ** 32 }), /ownership-counter/],
    [said({ 'loadline:organisation': '' }), /organisation/],
    [said({ 'pinned-domain-cert': 'AAAA' }), /unreadable/],
    // What is not understood might forbid something.
    [said({ 'domain-cert-revocation-checks': true }), /domain-cert-revocation-checks|ietf-voucher/],
  ];
  for (const [base64, why] of cases) refused(base64, why);
});

function contentOf(base64: string): string {
  let json = '';
  tampered(base64, ({ octets }) => {
    json = Buffer.from(octets.value as string, 'latin1').toString();
  });
  return json;
}

test('a voucher signed after 2049 has a date that is read', async () => {
  const far = Date.UTC(2055, 0, 1);
  const times = { ...terms(), notAfter: far + day };
  const certificatePem = createAuthority({ commonName: 'Long root', signer: root.signer, ...times });
  const long = { certificatePem, signer: root.signer };
  const by = await makeIssuer(long, 'signer', { profile: 'voucher' }, { notAfter: far });
  const voucher = aVoucher(long, { createdOn: far - day });
  const base64 = createVoucher({ voucher, signer: by, chainPem: '' });
  assert.equal(
    readVoucher(base64, { authorityPem: certificatePem, time: { kind: 'known', wall: far - day } }),
    voucher,
  );
});

test.run();
