import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../config/index.ts';
import { layoutOf } from '../slots/index.ts';
import { makeAuthority, makeHolder } from '../uplink/test-fleet.ts';
import { layOut, TestReleaseServer, testRelease, testRepository } from './test-releases.ts';
import { Updates } from './updates.ts';

const test = suite('an offer while another one is fetched');

const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
const running = testRelease('0.1.0', target, { 'bin/node': 'node', 'gateway.mjs': 'old' });
const noise = () => Buffer.from(Array.from({ length: 100_000 }, () => Math.floor(Math.random() * 256)));
const shared = noise();
const first = testRelease('0.2.0', target, { 'bin/node': shared, 'gateway.mjs': noise() });
const second = testRelease('0.3.0', target, { 'bin/node': shared, 'gateway.mjs': noise() });
const authority = await makeAuthority();
const identity = await makeHolder(authority, 'gateway-1', { profile: 'gateway' });

const configuration = `
[gateway]
id = "gateway-1"
state = "state"
[uplink]
host = "localhost"
authority = "authority.pem"
[[ports]]
name = "radio"
path = "/dev/null"
`;

/** One is pinned, and another a moment later: a person who thinks better of it, or a rollout beside a pin. */
const offerOf = (release: string, digit: string) =>
  Buffer.from(
    JSON.stringify({ version: 1, offer: { id: `${digit}b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11`, release } }),
  );

// What is under way then: the trust of the first, its bytes, anything between.
for (const pause of [0, 2, 5, 10, 20, 40]) {
  test(`is fetched in its place ${pause} ms later, and nothing of the first is in its way`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-two-offers-'));
    const roots = {
      LOADLINE_PREFIX: folder,
      LOADLINE_STORE: folder,
      LOADLINE_STATE: join(folder, 'state'),
    };
    const layout = layoutOf(roots);
    const repository = testRepository();
    repository.publish(first);
    repository.publish(second);
    const server = new TestReleaseServer(repository.files);
    const url = await server.open(authority);
    await mkdir(layout.slots);
    await mkdir(join(folder, 'trust'), { recursive: true });
    await writeFile(layout.trustedRoot, repository.root);
    await layOut(layout.factory, running);
    const logged: string[] = [];
    const note = (event: string, fields = {}) => logged.push(`${event} ${JSON.stringify(fields)}`);
    const log: Log = { info: note, warn: note, error: note };
    const { config } = parseConfig(configuration, join(folder, 'gateway.toml'));
    const updates = new Updates({
      environment: { ...roots, LOADLINE_SLOT: 'factory' },
      ...{ running: '0.1.0', built: 0, config: () => config, url, identity: () => identity },
      authorityPem: () => authority.certificatePem,
      time: () => ({ kind: 'known', by: 'cloud', wall: Date.now(), uncertainty: 10 }),
      monotonic: () => performance.now(),
      random: () => 0,
      ...{ frames: () => 0, unsent: () => 0, journalRoom: () => 0, flush: async () => {} },
      ...{ publish: async () => true, onEvent: () => {}, onSwitch: () => {}, log, lookMilliseconds: 20 },
    });
    try {
      await updates.open();
      updates.received(offerOf('0.2.0', '0'));
      await delay(pause);
      updates.received(offerOf('0.3.0', '1'));
      const limit = performance.now() + 20_000;
      while (updates.status().progress.state === 'downloading' && performance.now() < limit) await delay(5);
      assert.equal(
        [updates.status().progress.state, logged.filter((line) => /not-fetched/.test(line))],
        ['installing', []],
      );
      assert.is((await readdir(layout.staging.blobs)).length, 2);
    } finally {
      updates.stop();
      await server.close();
      await rm(folder, { recursive: true, maxRetries: 20, retryDelay: 50 });
    }
  });
}

test.run();
