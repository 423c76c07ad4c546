import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudClient } from './index.ts';

const test = suite('cloud client');

test('an authority without a certificate is refused, and not taken for everybody', () => {
  const client = (authorityPem: string) => () => new CloudClient({ url: 'https://localhost', authorityPem });
  assert.throws(client(''), /holds no certificate/);
  assert.throws(client('\n'), /holds no certificate/);
  assert.not.throws(client('-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n'));
});

test.run();
