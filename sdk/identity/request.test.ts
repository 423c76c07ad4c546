import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createSigningRequest,
  generateKeyPair,
  readSigningRequest,
  type Signer,
  softwareSigner,
} from './index.ts';
import { coded } from './test-fleet.ts';

const test = suite('signing request');

const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
const pem = createSigningRequest({ commonName: 'gateway-1', signer });
const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');

/** A signer like a secure element with a key that we would not have made. */
function foreignSigner(modulusLength: number, publicExponent: number): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (tbs) => sign('sha256', tbs, privateKey),
  };
}

test('gives back the name and the key it was made with, from PEM and from DER', () => {
  const wanted = { commonName: 'gateway-1', publicKeyPem: signer.publicKeyPem };
  assert.equal(readSigningRequest(pem), wanted);
  assert.equal(readSigningRequest(der), wanted);
});

test('holds nothing of the private key', async () => {
  const { privateKeyPem } = await generateKeyPair();
  const request = createSigningRequest({ commonName: 'gateway-1', signer: softwareSigner(privateKeyPem) });
  const secret = createPrivateKey(privateKeyPem).export({ format: 'jwk' });
  const bytes = Buffer.from(request.replace(/-----[^-]+-----/g, ''), 'base64').toString('latin1');
  for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
    const number = Buffer.from(secret[part] as string, 'base64url').toString('latin1');
    assert.not.ok(bytes.includes(number), part);
  }
});

test('is refused, by name, with a bit turned in any of its bytes', () => {
  // Every byte in turn, so that no draw can miss the one that matters.
  for (const [at, byte] of der.entries()) {
    const tampered = Buffer.from(der);
    tampered.writeUInt8(byte ^ (1 << (at % 8)), at);
    assert.throws(() => readSigningRequest(tampered), coded('request-malformed', /./), `byte ${at}`);
  }
});

test('is refused, by name, when cut short or continued', () => {
  for (const length of [0, 1, 4, 100, der.length - 1]) {
    assert.throws(
      () => readSigningRequest(der.subarray(0, length)),
      coded('request-malformed', /./),
      String(length),
    );
  }
  assert.throws(
    () => readSigningRequest(Buffer.concat([der, Buffer.of(0)])),
    coded('request-malformed', /./),
  );
});

test('is refused in an encoding that is not DER, though it says the same', () => {
  assert.is(der.readUInt8(1), 0x82);
  const longer = Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)]);
  assert.throws(() => readSigningRequest(longer), coded('request-malformed', /not DER/));
});

test('is refused when another key has signed it', () => {
  const other = foreignSigner(2048, 65_537);
  const forged = createSigningRequest({
    commonName: 'gateway-1',
    signer: { publicKeyPem: signer.publicKeyPem, sign: other.sign },
  });
  assert.throws(() => readSigningRequest(forged), coded('request-malformed', /does not verify/));
});

test('is refused with a key too short or with a foreign exponent', () => {
  const short = createSigningRequest({ commonName: 'gateway-1', signer: foreignSigner(1024, 65_537) });
  assert.throws(() => readSigningRequest(short), coded('request-malformed', /1024 bits/));
  const cubic = createSigningRequest({ commonName: 'gateway-1', signer: foreignSigner(2048, 3) });
  assert.throws(() => readSigningRequest(cubic), coded('request-malformed', /exponent is 3/));
});

test('is accepted with a longer key', () => {
  const long = foreignSigner(3072, 65_537);
  const request = createSigningRequest({ commonName: 'gateway-1', signer: long });
  assert.is(readSigningRequest(request).publicKeyPem, long.publicKeyPem);
});

test('is refused with a name that is empty, too long, or not printable ASCII', () => {
  for (const commonName of ['', 'g'.repeat(65), 'gateway-1\0.evil', 'gatewаy-1', 'gateway\n1']) {
    const request = createSigningRequest({ commonName, signer });
    assert.throws(() => readSigningRequest(request), coded('request-malformed', /common name/), commonName);
  }
});

test('is refused before it is parsed when it is too long, or no PEM', () => {
  assert.throws(() => readSigningRequest(Buffer.alloc(8193)), coded('request-malformed', /8193 bytes/));
  assert.throws(() => readSigningRequest('hello'), coded('request-malformed', /no PEM block/));
});

test('is made only with a key that is RSA and long enough', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  assert.throws(() => softwareSigner(ec.toString()), coded('key-malformed', /ec, not RSA/));
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  assert.throws(() => softwareSigner(short.toString()), coded('key-malformed', /1024 bits/));
  assert.throws(() => softwareSigner('hello'), coded('key-malformed', /not an unencrypted private key/));
});

test.run();
