import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeCertsOnly, encodeCertsOnly } from './index.ts';
import { coded, makeHolder, makeRoot } from './test-fleet.ts';

const test = suite('certs-only message');

const root = await makeRoot();
const { cert } = await makeHolder(root, 'gateway-1', { profile: 'gateway' });
const message = encodeCertsOnly([cert, root.certificatePem]);

test('gives the certificates back byte for byte', () => {
  assert.equal(decodeCertsOnly(message), [cert, root.certificatePem]);
  assert.equal(decodeCertsOnly(message.replaceAll('\n', '')), [cert, root.certificatePem]);
});

test('is base64 in short lines', () => {
  for (const line of message.trimEnd().split('\n')) assert.match(line, /^[A-Za-z0-9+/=]{1,64}$/);
});

test('is refused, by name, when damaged anywhere, or gives certificates', () => {
  const der = Buffer.from(message, 'base64');
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(der);
      damaged.writeUInt8(value, at);
      try {
        // Nothing in it is signed but the certificates themselves, which verify elsewhere.
        for (const pem of decodeCertsOnly(damaged.toString('base64')))
          assert.match(pem, /^-----BEGIN CERTIFICATE/);
      } catch (error) {
        assert.ok(coded('certs-only-malformed', /./)(error), String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('is refused when it is too long, empty, or not base64', () => {
  for (const text of ['', 'A'.repeat(65 * 1024), '<html>', 'AAAA']) {
    assert.throws(() => decodeCertsOnly(text), coded('certs-only-malformed', /./));
  }
});

test.run();
