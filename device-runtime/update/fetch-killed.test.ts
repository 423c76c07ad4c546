// @long
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReleaseTarget } from '@loadline/sdk/release';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identity } from '../identity/index.ts';
import { type LayoutEnvironment, layoutOf } from '../slots/index.ts';
import { makeAuthority, makeHolder } from '../uplink/test-fleet.ts';
import type { Offer } from './offer.ts';
import { layOut, TestReleaseServer, testRelease, testRepository } from './test-releases.ts';

const test = suite('fetching a release in a process that is killed');

/** What the process is given. */
export interface FetchParameters {
  readonly url: string;
  readonly identity: Identity;
  readonly authorityPem: string;
  readonly root: string;
  readonly folders: { readonly layout: LayoutEnvironment; readonly parts: string; readonly trust: string };
  readonly offer: Offer;
  readonly target: ReleaseTarget;
}

const child = fileURLToPath(new URL('./fetch-child.ts', import.meta.url));
const target = 'linux-x64';
const running = testRelease('0.1.0', target, { 'bin/node': 'node', 'gateway.mjs': 'old' });
const files = { 'gateway.mjs': randomBytes(1_500_000), 'sbom.cdx.json': randomBytes(700_000) };
const wanted = testRelease('0.2.0', target, { 'bin/node': 'node', ...files });

/** Runs it, and kills it after so many lines of progress. @returns whether it came to its end */
async function run(parameters: string, lines: number): Promise<boolean> {
  const running = spawn(process.execPath, [...process.execArgv, child, parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > lines) running.kill('SIGKILL');
  });
  await new Promise((resolve) => running.once('close', resolve));
  return said.endsWith('staged\n');
}

test('ends with all of it staged, whenever it was killed, and goes on where it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-fetch-killed-'));
  const roots = { LOADLINE_PREFIX: folder, LOADLINE_STORE: folder, LOADLINE_STATE: join(folder, 'state') };
  const layout = layoutOf(roots);
  const authority = await makeAuthority();
  const repository = testRepository();
  repository.publish(wanted);
  const server = new TestReleaseServer(repository.files);
  try {
    await mkdir(layout.slots);
    await layOut(layout.factory, running);
    const parameters: FetchParameters = {
      url: await server.open(authority),
      identity: await makeHolder(authority, 'gateway-1', { profile: 'gateway' }),
      authorityPem: authority.certificatePem,
      root: repository.root,
      folders: { layout: roots, parts: join(folder, 'state/parts'), trust: join(folder, 'state/trust') },
      ...{ offer: { id: '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11', release: '0.2.0' }, target },
    };
    const file = join(folder, 'parameters.json');
    await writeFile(file, JSON.stringify(parameters));
    server.fault = ({ path }) => (path.startsWith('blobs/') ? { kind: 'slow', bytes: 60_000 } : undefined);
    let kills = 0;
    while (!(await run(file, 2 + Math.floor(Math.random() * 12)))) {
      kills++;
      assert.ok(kills < 60, 'it gets on');
    }
    assert.ok(kills >= 4, `${kills} kills`);
    const blobs = wanted.manifest.files.filter(({ path }) => path in files).map(({ packed }) => packed);
    for (const { sha256 } of blobs) {
      assert.equal(await readFile(join(layout.staging.blobs, sha256)), wanted.blobs.get(sha256));
    }
    assert.is((await readdir(layout.staging.blobs)).length, blobs.length);
    for (const { sha256 } of blobs) {
      const froms = server.asked
        .filter(({ path }) => path === `blobs/${sha256}`)
        .map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
      assert.equal(
        froms,
        froms.toSorted((a, b) => a - b),
        'what is there is never asked for again',
      );
      assert.ok((froms.at(-1) as number) > 0);
    }
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
});

test.run();
