// @long
// Killed before any of its steps on the disk, a ceremony has been done or not, and the folder opens.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { isLockName, makePrivateFolder } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openKeys } from '../keys/index.ts';
import { authorityFolder, crossSign, heldBy, makeRequest, openAuthority } from './index.ts';
import { offlineRoot } from './test-root.ts';

const test = suite('a ceremony that is killed');

const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const day = 24 * 3_600_000;
const now = Date.now;

const keysOf = (state: string, isNew = false) => openKeys(state, { now, isNew, longestTokenMilliseconds: 1 });

async function openState(state: string) {
  return await openAuthority({
    ...{ folder: authorityFolder(state), keys: await keysOf(state), now, log: () => undefined },
  });
}

function run(state: string, what: string, kill: number, file = '') {
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    [...process.execArgv, child, state, what, String(kill), file],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  return { status, signal, steps: Number(stdout) };
}

/** Runs it on copies of `made`, killed before each of its steps, and has each looked at. @returns the number of steps */
async function killedAtEach(
  made: string,
  { what, file }: { what: string; file?: string },
  look: (state: string, kill: number) => Promise<void>,
): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'loadline-killed-'));
  try {
    const whole = join(scratch, 'whole');
    cpSync(made, whole, { recursive: true });
    const { status, steps } = run(whole, what, 0, file);
    assert.is(status, 0);
    for (let kill = 1; kill <= steps; kill++) {
      const state = join(scratch, String(kill));
      cpSync(made, state, { recursive: true });
      assert.is(run(state, what, kill, file).signal, 'SIGKILL');
      await look(state, kill);
      rmSync(state, { recursive: true });
    }
    return steps;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** That what is left of what was cut short is at most a draft, which the next write replaces, and a lock in the making. */
function assertTidy(state: string): void {
  const left = readdirSync(authorityFolder(state))
    .filter((name) => !isLockName(name) && !name.endsWith('.new'))
    .sort();
  assert.equal(left, ['authority.json', 'authority.pem'], left.join());
}

test('a replacement of the root', async () => {
  const state = mkdtempSync(join(tmpdir(), 'loadline-killed-'));
  await keysOf(state, true);
  const before = (await openState(state)).standing();
  const root = await offlineRoot('Offline');
  const ceremony = { folder: authorityFolder(state), keys: await keysOf(state), now };
  const { requestPem } = await makeRequest(ceremony);
  const cross = await crossSign(ceremony, root.certificatePem);
  const file = join(state, 'files.pem');
  writeFileSync(file, root.sign(requestPem) + root.certificatePem + cross.pem);
  const seen = { before: 0, after: 0 };
  const steps = await killedAtEach(state, { what: 'install', file }, async (copy, kill) => {
    const authority = await openState(copy);
    const { issuer } = authority.standing();
    const isBefore = issuer.fingerprint === before.issuer.fingerprint;
    seen[isBefore ? 'before' : 'after'] += 1;
    assert.is(authority.certificatePem === root.certificatePem, !isBefore);
    const { request } = await heldBy(authorityFolder(copy));
    assert.is(request !== null, isBefore);
    const published = readFileSync(join(authorityFolder(copy), 'authority.pem'), 'utf8');
    assert.is(published, authority.certificatePem);
    assertTidy(copy);
    // Done again, or for the first time: it is whole then.
    if (isBefore && request !== null && kill % 6 === 0) {
      assert.is(run(copy, 'install', 0, file).status, 0);
      assert.is((await openState(copy)).certificatePem, root.certificatePem);
    }
  });
  assert.ok(seen.before > 5 && seen.after > 5, JSON.stringify({ steps, ...seen }));
  rmSync(state, { recursive: true });
});

test('a first start, and the taking over of a folder from before keys were sealed', async () => {
  const state = mkdtempSync(join(tmpdir(), 'loadline-killed-'));
  await keysOf(state, true);
  await killedAtEach(state, { what: 'open' }, async (copy) => {
    await openState(copy);
    assertTidy(copy);
  });
  const folder = authorityFolder(state);
  await makePrivateFolder(folder);
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const old = createAuthority({
    ...{ commonName: 'Old root', signer, serial: randomBytes(16) },
    ...{ notBefore: now() - day, notAfter: now() + 7000 * day },
  });
  writeFileSync(join(folder, 'authority.key.pem'), privateKeyPem, { mode: 0o600 });
  writeFileSync(join(folder, 'authority.pem'), old);
  await killedAtEach(state, { what: 'open' }, async (copy) => {
    const authority = await openState(copy);
    assert.is(authority.certificatePem, old);
    assertTidy(copy);
  });
  rmSync(state, { recursive: true });
});

test.run();
