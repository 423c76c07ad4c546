import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEnrolmentCredentials, parseSimpleEnroll, simpleEnrollBodyBytes } from './index.ts';
import { says } from './test-parts.ts';

const test = suite('EST messages');

const der = Buffer.from(Array.from({ length: 200 }, (_, at) => at));
const base64 = der.toString('base64');

test('a body is read with line breaks of any kind, or none, as text or bytes', () => {
  const lines = base64.match(/.{1,64}/g) ?? [];
  for (const body of [base64, lines.join('\n'), `${lines.join('\r\n')}\r\n`, `\n${lines.join('\n\n')}\n`]) {
    assert.ok(der.equals(parseSimpleEnroll(body)));
    assert.ok(der.equals(parseSimpleEnroll(Buffer.from(body))));
  }
});

test('a body that is too long, PEM, or not base64 is refused with what to do', () => {
  const cases: [string | Uint8Array, RegExp][] = [
    ['A'.repeat(simpleEnrollBodyBytes + 1), /bytes, and .* are accepted/],
    [`-----BEGIN CERTIFICATE REQUEST-----\n${base64}`, /it is PEM; send base64/],
    [der, /not base64/],
    ['', /not base64/],
    [base64.slice(1), /not base64/],
    [`${base64.slice(0, 8)}====`, /not base64/],
    ['{"csr":"AAAA"}', /not base64/],
  ];
  for (const [body, why] of cases) {
    assert.throws(
      () => parseSimpleEnroll(body),
      (error: unknown) => says(error, 'request-malformed', why),
      String(why),
    );
  }
});

test('credentials are read from Basic authorisation, a colon in the secret included', () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const { gatewayId, secret } = parseEnrolmentCredentials(header('gateway-1:a:b')) ?? {};
  assert.equal([gatewayId, secret?.reveal()], ['gateway-1', 'a:b']);
  for (const bad of [
    undefined,
    '',
    'Bearer abc',
    'Basic',
    'Basic !',
    header('gateway-1'),
    header(':a'),
    header('g:'),
  ]) {
    assert.is(parseEnrolmentCredentials(bad), undefined, bad);
  }
});

test.run();
