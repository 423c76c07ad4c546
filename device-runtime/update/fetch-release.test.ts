import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Layout, layoutOf } from '../slots/index.ts';
import { makeAuthority, makeHolder } from '../uplink/test-fleet.ts';
import { CloudSource } from './cloud-source.ts';
import { type FetchOptions, fetchRelease, NoRoom } from './fetch-release.ts';
import {
  type Asked,
  type Fault,
  layOut,
  TestReleaseServer,
  testRelease,
  testRepository,
} from './test-releases.ts';
import { patiently } from './test-updates.ts';
import { TrustedReleases } from './trusted.ts';

const test = suite('fetching a release');

const target = 'linux-x64';
const node = randomBytes(400_000);
const old = testRelease('0.1.0', target, { 'bin/node': node, 'gateway.mjs': 'old', 'LICENSES.txt': 'free' });
const large = randomBytes(300_000);
const wanted = testRelease('0.2.0', target, {
  'bin/node': node,
  'gateway.mjs': large,
  'launcher/loadline-launch': '#!/bin/sh',
  'LICENSES.txt': 'free',
});
const blobOf = (path: string) =>
  wanted.manifest.files.find((file) => file.path === path)?.packed as { sha256: string; length: number };
const program = blobOf('gateway.mjs');
const travels = program.length + blobOf('launcher/loadline-launch').length;
const offer = { id: '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11', release: '0.2.0' };

const authority = await makeAuthority();
const identity = await makeHolder(authority, 'gateway-1', { profile: 'gateway' });
const log: Log = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Log;
const time = () => ({ kind: 'known', by: 'cloud', wall: Date.now(), uncertainty: 10 }) as const;

let folder: string;
let layout: Layout;
let parts: string;
let server: TestReleaseServer;
let url: string;
let repository: ReturnType<typeof testRepository>;

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-fetch-'));
  layout = layoutOf({
    LOADLINE_PREFIX: folder,
    LOADLINE_STORE: folder,
    LOADLINE_STATE: join(folder, 'state'),
  });
  parts = join(folder, 'state/updates/parts');
  await mkdir(layout.slots);
  await layOut(layout.factory, old);
  repository = testRepository();
  repository.publish(wanted);
  server = new TestReleaseServer(repository.files);
  url = await server.open(authority);
});
test.after.each(async () => {
  await server.close();
  await rm(folder, patiently);
});

/** One attempt; a new process each time as far as what is held in memory goes. */
async function attempt(changed: Partial<FetchOptions> = {}): Promise<void> {
  const { signal = new AbortController().signal } = changed;
  const source = new CloudSource({
    url,
    identity,
    authorityPem: authority.certificatePem,
    time,
    proxy: undefined,
    signal,
  });
  const trust = () =>
    TrustedReleases.open({
      ...{ folder: join(folder, 'state/updates/trust'), root: repository.root, source },
      ...{ time: time(), built: undefined, log },
    });
  try {
    await fetchRelease({
      ...{ offer, target, layout, parts, source, trust, signal },
      ...{ reserve: () => 0, pace: async () => {}, monotonic: () => performance.now() },
      ...{ onProgress: () => {}, stallMilliseconds: 60_000 },
      ...changed,
    });
  } finally {
    source.close();
  }
}

async function failure(changed: Partial<FetchOptions> = {}): Promise<Error> {
  return await attempt(changed).then(
    () => {
      throw new Error('it was fetched');
    },
    (error: Error) => error,
  );
}

/** The first time that the program is asked for, this goes wrong. */
function once(fault: Fault): (asked: Asked) => Fault | undefined {
  let left: Fault | undefined = fault;
  return ({ path }) => {
    if (path !== `blobs/${program.sha256}`) return undefined;
    const now = left;
    left = undefined;
    return now;
  };
}

async function mustBeStaged(): Promise<void> {
  const { staging } = layout;
  for (const path of ['gateway.mjs', 'launcher/loadline-launch']) {
    const { sha256 } = blobOf(path);
    assert.equal(await readFile(join(staging.blobs, sha256)), wanted.blobs.get(sha256));
  }
  assert.is((await readdir(staging.blobs)).length, 2, 'nothing else is staged');
  assert.equal(await readdir(parts), []);
  assert.equal(Buffer.from(await readFile(staging.manifest)), Buffer.from(wanted.bytes));
  const metadata = (await readdir(staging.metadata)).map((name) => name.replace(/^\d+\./, ''));
  assert.equal(metadata.sort(), ['snapshot.json', 'targets.json', 'timestamp.json']);
  assert.equal(JSON.parse(await readFile(staging.request, 'utf8')), { ...offer, target });
}

test('stages what no slot has, and asks for its installation last', async () => {
  const told: [number, number][] = [];
  await attempt({ onProgress: (done, total) => told.push([done, total]) });
  await mustBeStaged();
  assert.is(server.sent, travels, 'Node is in a slot already');
  assert.equal(told[0], [0, travels]);
  assert.equal(told.at(-1), [travels, travels]);
});

test('shows the certificate of the gateway to the host of the enrolment, without ALPN, over one connection', async () => {
  await attempt();
  const by = new X509Certificate(identity.chainPem).fingerprint256.replaceAll(':', '').toLowerCase();
  assert.equal(new Set(server.asked.map((asked) => asked.by)), new Set([by]));
  assert.ok(server.asked.every(({ protocol }) => protocol === false));
  assert.ok(server.asked.every(({ host }) => host === new URL(url).host));
});

test('is judged by the signatures of who is trusted', async () => {
  const stranger = testRepository();
  stranger.publish(wanted);
  repository.files.set('metadata/timestamp.json', stranger.files.get('metadata/timestamp.json') as Buffer);
  const error = await failure();
  assert.is(error instanceof ReleaseError && error.code, 'metadata-refused');
  assert.is(await stat(layout.staging.request).catch(() => undefined), undefined);
});

for (const after of [0, 1, 100_000, program.length - 1]) {
  test(`goes on where a connection was cut, ${after} bytes into a file`, async () => {
    server.fault = once({ kind: 'cut', after });
    const error = await failure();
    assert.is(error instanceof ReleaseError && error.code, 'source-failed');
    const { size } = await stat(join(parts, program.sha256));
    // What has come and is not read yet goes with a connection that breaks.
    assert.ok(size <= after && size >= after - 96 * 1024, `${size} of ${after} bytes are kept`);
    let first: number | undefined;
    await attempt({ onProgress: (done) => (first ??= done) });
    await mustBeStaged();
    const again = server.asked.filter(({ path }) => path === `blobs/${program.sha256}`).at(-1);
    assert.is(again?.range, size === 0 ? undefined : `bytes=${size}-`);
    const others = server.asked.filter(({ path }) =>
      path.includes(blobOf('launcher/loadline-launch').sha256),
    ).length;
    assert.is(others, 1, 'what is staged is not asked for again');
    assert.ok((first as number) >= size, 'what is there counts as done');
  });
}

test('gives up a server from which nothing comes any more, and goes on with another connection', async () => {
  server.fault = once({ kind: 'stall', after: 50_000 });
  assert.match((await failure({ stallMilliseconds: 300 })).message, 'nothing came for 0.3 s');
  server.fault = () => undefined;
  await attempt();
  await mustBeStaged();
});

test('begins a file anew where the server does not know parts of files', async () => {
  server.fault = once({ kind: 'cut', after: 100_000 });
  await failure();
  server.fault = once({ kind: 'ignore-range' });
  await attempt();
  await mustBeStaged();
});

test('takes no other part of a file than it asked for', async () => {
  server.fault = once({ kind: 'cut', after: 100_000 });
  await failure();
  server.fault = once({ kind: 'other-range' });
  assert.match((await failure()).message, "the cloud's range is bytes ");
  assert.is((await stat(join(parts, program.sha256))).size, 0, 'of another file, nothing is of use');
  await attempt();
  await mustBeStaged();
});

test('reads no further than a file is long', async () => {
  server.fault = once({ kind: 'too-much' });
  const error = await failure();
  assert.is(error instanceof ReleaseError && error.code, 'file-refused');
  assert.match(error.message, 'the cloud sends more than');
  await attempt();
  await mustBeStaged();
});

test('keeps nothing of a file that turns out to be another', async () => {
  server.fault = once({ kind: 'other-content' });
  const error = await failure();
  assert.is(error instanceof ReleaseError && error.code, 'file-refused');
  assert.is((await stat(join(parts, program.sha256))).size, 0);
  await attempt();
  await mustBeStaged();
});

test('begins anew where a part was spoiled on the disk, or is longer than its file', async () => {
  await mkdir(parts, { recursive: true });
  for (const spoiled of [randomBytes(1000), randomBytes(program.length), randomBytes(program.length + 1)]) {
    await writeFile(join(parts, program.sha256), spoiled);
    await attempt().catch(async (error: Error) => {
      assert.match(error.message, 'another digest');
      await attempt();
    });
    await mustBeStaged();
    await rm(layout.staging.folder, { recursive: true });
  }
});

test('fetches again what was staged and is not what it was', async () => {
  await attempt();
  await rm(layout.staging.request);
  await writeFile(join(layout.staging.blobs, program.sha256), large);
  await attempt();
  await mustBeStaged();
});

test('says what the server answers where that is no file', async () => {
  for (const [fault, said] of [
    [{ kind: 'status', status: 503 }, 'the cloud answers with status 503'],
    [{ kind: 'status', status: 404 }, 'the cloud answers with status 404'],
    [{ kind: 'hang-up' }, 'localhost'],
  ] as const) {
    server.fault = once(fault);
    const error = await failure();
    assert.is(error instanceof ReleaseError && error.code, 'source-failed');
    assert.match(error.message, said);
  }
});

test('throws away what was begun of another release', async () => {
  await mkdir(parts, { recursive: true });
  await mkdir(layout.staging.blobs, { recursive: true });
  for (const place of [parts, layout.staging.blobs]) await writeFile(join(place, 'f'.repeat(64)), 'old');
  await attempt();
  await mustBeStaged();
});

test('takes nothing where readings would lack the room', async () => {
  const error = await failure({ reserve: () => 1e15 });
  assert.ok(error instanceof NoRoom, String(error));
  assert.match(error.message, 'kept for readings');
  assert.is(server.sent, 0);
});

test('ends at once where it is not wanted any more, and is gone on with later', async () => {
  const stopping = new AbortController();
  const pace = async (_: number, signal: AbortSignal) => {
    stopping.abort(new Error('withdrawn'));
    await delay(60_000, undefined, { signal });
  };
  await failure({ signal: stopping.signal, pace });
  const { size } = await stat(join(parts, program.sha256));
  assert.ok(size > 0 && size < program.length);
  server.sent = 0;
  await attempt();
  await mustBeStaged();
  assert.ok(server.sent < travels);
});

test('asks again for the installation of what is staged, and fetches nothing for it', async () => {
  await attempt();
  const { ino } = await stat(layout.staging.request);
  server.asked.length = 0;
  await attempt();
  assert.is.not((await stat(layout.staging.request)).ino, ino, 'whoever looks at changes sees one');
  await mustBeStaged();
  await rm(layout.staging.folder, { recursive: true });
  const refused = { id: offer.id, outcome: 'refused', code: 'no-room', detail: 'x' };
  await writeFile(layout.installed, JSON.stringify(refused));
  await attempt();
  assert.equal(server.asked, [], 'it is answered');
});

test('takes the metadata anew where fetching took long', async () => {
  let now = 0;
  const pace = async () => {
    now += 3_600_000;
  };
  await attempt({ pace, monotonic: () => now });
  await mustBeStaged();
  assert.is(server.asked.filter(({ path }) => path === 'metadata/timestamp.json').length, 2);
});

test.run();
