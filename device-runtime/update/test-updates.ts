import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type UpdatingMessage, updatingMessage } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { EventWords } from '@loadline/sdk/telemetry';
import { parseConfig } from '../config/index.ts';
import { type Layout, layoutOf } from '../slots/index.ts';
import { makeAuthority, makeHolder } from '../uplink/test-fleet.ts';
import type { UpdatesOptions } from './surroundings.ts';
import { layOut, type TestRelease, TestReleaseServer, testRelease, testRepository } from './test-releases.ts';
import { Updates } from './updates.ts';

/** For tests: what releases for this computer are called. */
export const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';

const running = testRelease('0.1.0', target, { 'bin/node': 'node', 'gateway.mjs': 'old' });
const authority = await makeAuthority();
const identity = await makeHolder(authority, 'gateway-1', { profile: 'gateway' });

const usual = `
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

/** For tests: what was under way when it was stopped may still be writing. */
export const patiently = { recursive: true, maxRetries: 20, retryDelay: 50 } as const;

/** For tests: a gateway, as far as updates go: its disk, its cloud, and what it tells. Its factory slot has 0.1.0. */
export class TestGateway {
  readonly folder: string;
  readonly layout: Layout;
  readonly server: TestReleaseServer;
  readonly events: EventWords[] = [];
  readonly reports: UpdatingMessage[] = [];
  readonly logged: string[] = [];
  isSwitched = false;
  /** Frames that it has heard. */
  frames = 0;
  readonly #roots: Readonly<Record<string, string>>;
  readonly #url: string;
  readonly #started: Updates[] = [];

  /** @param releases what its cloud has */
  static async open(...releases: TestRelease[]): Promise<TestGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-updates-'));
    const roots = { LOADLINE_PREFIX: folder, LOADLINE_STORE: folder, LOADLINE_STATE: join(folder, 'state') };
    const layout = layoutOf(roots);
    const repository = testRepository();
    for (const release of releases) repository.publish(release);
    const server = new TestReleaseServer(repository.files);
    const url = await server.open(authority);
    await mkdir(layout.slots);
    await mkdir(join(folder, 'trust'), { recursive: true });
    await writeFile(layout.trustedRoot, repository.root);
    await layOut(layout.factory, running);
    return new TestGateway({ folder, roots, server, url });
  }

  private constructor(parts: {
    folder: string;
    roots: Readonly<Record<string, string>>;
    server: TestReleaseServer;
    url: string;
  }) {
    this.folder = parts.folder;
    this.layout = layoutOf(parts.roots);
    this.server = parts.server;
    this.#roots = parts.roots;
    this.#url = parts.url;
  }

  /** Starts it: `slot` is what the launcher says; `configuration` is added to the usual one. */
  async start(
    slot: string | undefined,
    more: Partial<UpdatesOptions> = {},
    configuration = '',
  ): Promise<Updates> {
    const { config } = parseConfig(`${usual}${configuration}`, join(this.folder, 'gateway.toml'));
    const note = (event: string, fields = {}) => this.logged.push(`${event} ${JSON.stringify(fields)}`);
    const log: Log = { info: note, warn: note, error: note };
    const updates = new Updates({
      environment: { ...this.#roots, ...(slot !== undefined && { LOADLINE_SLOT: slot }) },
      ...{ running: '0.1.0', built: 0, config: () => config, url: this.#url, identity: () => identity },
      authorityPem: () => authority.certificatePem,
      time: () => ({ kind: 'known', by: 'cloud', wall: Date.now(), uncertainty: 10 }),
      monotonic: () => performance.now(),
      random: () => 0,
      frames: () => this.frames,
      ...{ unsent: () => 0, journalRoom: () => 0, flush: async () => {} },
      publish: async (json) => {
        this.reports.push(updatingMessage.parse(JSON.parse(json)));
        return true;
      },
      onEvent: (event) => this.events.push(event),
      onSwitch: () => {
        this.isSwitched = true;
      },
      ...{ log, lookMilliseconds: 20 },
      ...more,
    });
    this.#started.push(updates);
    await updates.open();
    return updates;
  }

  async close(): Promise<void> {
    for (const updates of this.#started) updates.stop();
    await this.server.close();
    await rm(this.folder, patiently);
  }
}
