// @long
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSigningRequest,
  generateKeyPair,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import { Secret } from '@loadline/sdk/platform';
import { CompactEncrypt } from 'jose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newPassphrase, passphraseOf } from './passphrase.ts';
import { makeRoot, openRoot, readRoot, rootsIn, signAuthority } from './root-folder.ts';
import { closeRootKey, openRootKey } from './root-key.ts';

const test = suite<{ folder: string }>('an offline root');

const now = Date.UTC(2026, 10, 22);
const day = 24 * 3_600_000;
const passphrase = new Secret('zwölf Zeichen und mehr');

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-ca-'));
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

async function refused(done: Promise<unknown>, piece: RegExp): Promise<void> {
  await done.then(
    () => assert.unreachable(`expected ${piece}`),
    (error: Error) => assert.match(error.message, piece),
  );
}

test('has a key that opens with its passphrase, however that is typed, and with no other', async () => {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const closed = await closeRootKey(privateKeyPem, publicKeyPem, passphrase);
  assert.is(await openRootKey(closed, 'root.key.jwe', passphrase), privateKeyPem);
  // The umlaut as two characters, as some keyboards make it.
  const composed = new Secret(passphrase.reveal().normalize('NFD'));
  assert.is.not(composed.reveal(), passphrase.reveal());
  assert.is(await openRootKey(closed, 'root.key.jwe', composed), privateKeyPem);
  const wrong = /passphrase does not open root\.key\.jwe/;
  await refused(openRootKey(closed, 'root.key.jwe', new Secret('zwölf Zeichen und meh')), wrong);
  const [header = '', ...rest] = closed.split('.');
  await refused(
    openRootKey([header, ...rest.slice(0, 3), `${rest[3]}x`].join('.'), 'root.key.jwe', passphrase),
    wrong,
  );
  const said = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  assert.is(said.alg, 'PBES2-HS512+A256KW');
  assert.ok(Number(said.p2c) >= 600_000);
  assert.not.ok(closed.includes('PRIVATE'));
});

test('opens nothing that is not its own kind of file, whatever the file says of itself', async () => {
  const key = new TextEncoder().encode(passphrase.reveal());
  const weak = await new CompactEncrypt(new Uint8Array(3))
    .setProtectedHeader({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', typ: 'loadline-root-key' })
    .encrypt(key);
  for (const other of ['', 'hello', '-----BEGIN PRIVATE KEY-----', weak]) {
    await refused(openRootKey(other, 'root.key.jwe', passphrase), /not the key of a root/);
  }
});

test("takes a passphrase out of a file that is its owner's alone, and none that is short", async ({
  folder,
}) => {
  const path = join(folder, 'passphrase');
  writeFileSync(path, 'correct horse battery\n', { mode: 0o600 });
  assert.is((await passphraseOf(path)).reveal(), 'correct horse battery');
  assert.is((await newPassphrase(path)).reveal(), 'correct horse battery');
  writeFileSync(path, 'eleven char\n');
  await refused(newPassphrase(path), /shorter than 12 characters/);
  await refused(passphraseOf(join(folder, 'nowhere')), /nowhere cannot be read/);
  if (process.platform === 'win32') return;
  chmodSync(path, 0o640);
  await refused(passphraseOf(path), /other users may read .*chmod 600/);
});

test('is made once, begun anew where it was cut short, and signs what its log says', async ({ folder }) => {
  const place = join(folder, 'root');
  await refused(readRoot(place), /holds no root: 'loadline ca init/);
  const order = { name: 'Fleet root', years: 20, passphrase, now };
  const cut = await makeRoot(place, order);
  // As if it had been cut short between the key and the certificate.
  rmSync(join(place, 'root.pem'));
  const root = await makeRoot(place, order);
  assert.is.not(root.details.publicKeyPem, cut.details.publicKeyPem);
  await refused(makeRoot(place, order), /holds a root already/);
  assert.is(root.details.notAfter, now + 20 * 365 * day);
  assert.equal(
    rootsIn(`${root.pem}${root.pem}`).map(({ pem }) => pem),
    [root.pem, root.pem],
  );

  const issuer = await openRoot(place, passphrase);
  const { privateKeyPem } = await generateKeyPair();
  const requestPem = createSigningRequest({ commonName: 'Issuing', signer: softwareSigner(privateKeyPem) });
  const subject = readSigningRequest(requestPem);
  const signed = await signAuthority(place, issuer, {
    ...{ what: 'sign', subject, pathLength: 0, notAfter: now + 30_000 * day, now },
  });
  // It does not outlive the root, whatever was asked for.
  assert.is(signed.details.notAfter, root.details.notAfter);
  assert.equal(rootsIn(signed.pem), []);
  const log = readFileSync(join(place, 'issued.jsonl'), 'utf8').trim().split('\n');
  assert.equal(
    log.map((line) => JSON.parse(line)).map(({ what, fingerprint }) => [what, fingerprint]),
    [
      ['init', cut.details.fingerprint],
      ['init', root.details.fingerprint],
      ['sign', signed.details.fingerprint],
    ],
  );
  assert.not.ok(existsSync(join(place, 'lock')));

  writeFileSync(
    join(place, 'root.key.jwe'),
    await closeRootKey(privateKeyPem, subject.publicKeyPem, passphrase),
  );
  await refused(openRoot(place, passphrase), /is not the key of/);
});

test.run();
