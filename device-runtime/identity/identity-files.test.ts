// The power cut between any two writes of a renewal: the gateway comes back as the old one or as the new one.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identity } from './identity.ts';
import { IdentityFiles, identityFiles } from './identity-files.ts';
import { makeIdentity, makeRoot } from './test-est.ts';

const test = suite('the files of an identity');

const day = 86_400_000;
const now = Date.now();
const fleet = await makeRoot('Fleet', now);
const old = await makeIdentity(fleet, 'mast-1', { notBefore: now - 20 * day, notAfter: now + 10 * day });
const next = await makeIdentity(fleet, 'mast-1', { notBefore: now, notAfter: now + 30 * day });
const never = () => Promise.reject(new Error('no key is to be made'));

let folder: string;
let files: IdentityFiles;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-identity-files-'));
  files = new IdentityFiles(folder, 'mast-1');
});
test.after.each(() => rm(folder, { recursive: true }));

const put = (name: string, content: string) => writeFile(join(folder, name), content);
const drop = (name: string) => rm(join(folder, name));

/** What a renewal does to the folder, step by step. */
const steps: readonly (() => Promise<void>)[] = [
  () => put('renewal.key', next.privateKeyPem),
  () => put('renewal.crt', next.chainPem),
  () => put('gateway.key', next.privateKeyPem),
  () => put('gateway.crt', next.chainPem),
  () => drop('renewal.crt'),
  () => drop('renewal.key'),
];

/** The folder as a cut leaves it after so many steps, with the beginning of what was being written. */
async function cutAfter(count: number): Promise<void> {
  await put('gateway.key', old.privateKeyPem);
  await put('gateway.crt', old.chainPem);
  for (const step of steps.slice(0, count)) await step();
  for (const name of identityFiles) await put(`${name}.new`, '-----BEGIN CERTIFICATE-----\nMIIC');
}

async function foundNow(): Promise<{ readonly identity: Identity; readonly previous: Identity | undefined }> {
  const found = await files.find();
  if (found.kind === 'none') throw new Error(found.why);
  return found;
}

for (let count = 0; count <= steps.length; count++) {
  test(`cut after ${count} of ${steps.length} steps it is the ${count < 2 ? 'old' : 'new'} one, and ends well`, async () => {
    await cutAfter(count);
    const { identity, previous } = await foundNow();
    assert.equal(identity, count < 2 ? old : next);
    // Until its key is overwritten, the old one is there to go back to.
    assert.equal(previous, count === 2 ? old : undefined);
    if (count < 2) {
      const made = await files.nextKey(identity, count === 0 ? async () => next.privateKeyPem : never);
      assert.is(made, next.privateKeyPem, 'a key that was left is used');
      await files.keepNext(next.chainPem);
    }
    await files.settle((await foundNow()).identity);
    assert.equal(
      (await readdir(folder)).filter((name) => !name.endsWith('.new')),
      ['gateway.crt', 'gateway.key'],
    );
    assert.equal(await files.find(), {
      kind: 'identity',
      identity: next,
      previous: undefined,
      isSettled: true,
    });
    assert.is((await stat(join(folder, 'gateway.key'))).mode & 0o777, 0o600);
  });
}

test('a key that is in use is never the next one', async () => {
  await cutAfter(5);
  const other = await makeIdentity(fleet, 'mast-1', { notBefore: now, notAfter: now + 30 * day });
  assert.is(await files.nextKey(next, async () => other.privateKeyPem), other.privateKeyPem);
  assert.is(await readFile(join(folder, 'renewal.key'), 'utf8'), other.privateKeyPem);
  assert.equal((await foundNow()).identity, next);
});

test('what was left of another gateway is nobody', async () => {
  const stranger = await makeIdentity(fleet, 'mast-2', { notBefore: now + day, notAfter: now + 30 * day });
  await cutAfter(0);
  await put('renewal.key', stranger.privateKeyPem);
  await put('renewal.crt', stranger.chainPem);
  assert.equal((await foundNow()).identity, old);
  await drop('gateway.crt');
  assert.equal(await files.find(), { kind: 'none', why: 'there is none yet' });
});

test.run();
