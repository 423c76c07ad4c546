import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactDecrypt } from 'jose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mintToken } from './index.ts';
import { makeTestRealm, type TestRealm, wanted } from './test-realm.ts';

const test = suite<{ realm: TestRealm }>('tokens opened by hand');

test.before(async (context) => {
  context.realm = await makeTestRealm();
});
test.after(({ realm }) => realm.kept.remove());

/** RFC 7516, section 5.2, steps 14 to 16, with the content encryption key given: AES-GCM over the protected header. */
function openByHand(jwe: string, key: Uint8Array): string {
  const [header = '', , iv = '', text = '', tag = ''] = jwe.split('.');
  const decipher = createDecipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, from(iv), {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(header, 'ascii')).setAuthTag(from(tag));
  return Buffer.concat([decipher.update(from(text)), decipher.final()]).toString();
}

const from = (part: string) => Buffer.from(part, 'base64url');

/** RFC 7516, appendix A.1.7 and A.1.2: A256GCM. Its key is wrapped with RSA there; here the key itself is given. */
const a1 = {
  jwe: [
    'eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ',
    '',
    '48V1_ALb6US04U3b',
    '5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A',
    'XFBoMYUZodetZdvTiFvSkQ',
  ].join('.'),
  key: Uint8Array.of(
    ...[177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91],
    ...[112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252],
  ),
  text: 'The true sign of intelligence is not knowledge but imagination.',
};

/** RFC 7520, section 5.6: `dir`, which RFC 7516 has no example of, with A128GCM. */
const direct = {
  jwe: [
    'eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0',
    '',
    'refa467QzzKx6QAB',
    [
      'JW_i_f52hww_ELQPGaYyeAB6HYGcR559l9TYnSovc23XJoBcW29rHP8yZOZG7YhLpT1bjFuvZPjQS-m0IFtVcXkZXdH_lr_FrdYt9HRU',
      'YkshtrMmIUAyGmUnd9zMDB2n0cRDIHAzFVeJUDxkUwVAE7_YGRPdcqMyiBoCO-FBdE-Nceb4h3-FtBP-c_BIwCPTjb9o0SbdcdREEMJM',
      'yZBH8ySWMVi1gPD9yxi-aQpGbSv_F9N4IZAxscj5g-NJsUPbjk29-s7LJAGb15wEBtXphVCgyy53CoIKLHHeJHXex45Uz9aKZSRSInZI',
      '-wjsY0yu3cT4_aQ3i1o-tiE-F8Ios61EKgyIQ4CWao8PFMj8TTnp',
    ].join(''),
    'vbb32Xvllea2OtmHAdccRQ',
  ].join('.'),
  key: from('XctOhJAkA-pD9Lh7ZgW_2A'),
  text: 'You can trust us to stick with you through thick and thin–to the bitter end.',
};

test('the hand opens what the RFCs print', () => {
  assert.is(openByHand(a1.jwe, a1.key), a1.text);
  assert.match(openByHand(direct.jwe, direct.key), direct.text);
});

test('the library opens what RFC 7520 prints for dir', async () => {
  const { plaintext } = await compactDecrypt(direct.jwe, direct.key);
  assert.match(Buffer.from(plaintext).toString(), direct.text);
});

test('the hand opens our token, with nothing but the file of keys and two RFCs', async ({ realm }) => {
  const asked = wanted(realm);
  const { token } = await mintToken(realm, asked);
  const { rings } = JSON.parse(readFileSync(join(realm.kept.folder, 'keys.json'), 'utf8'));
  const key = hkdfSync('sha256', from(rings.token[0].key), '', 'loadline\0api-token\0', 32);
  assert.equal(JSON.parse(openByHand(token, new Uint8Array(key))), {
    iss: realm.issuer,
    aud: realm.audience,
    jti: asked.id,
    organisation: asked.organisation,
    creator: asked.creator,
    scopes: asked.scopes,
    devices: asked.devices,
    iat: realm.now() / 1000,
    exp: asked.expires / 1000,
  });
  assert.equal(JSON.parse(from(token.split('.')[0] ?? '').toString()), {
    alg: 'dir',
    enc: 'A256GCM',
    kid: rings.token[0].id,
    typ: 'loadline-token+jwt',
  });
});

test.run();
