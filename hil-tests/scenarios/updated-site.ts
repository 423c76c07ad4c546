import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { blobPath, type ReleaseManifest, readManifest, writeManifest } from '@loadline/sdk/release';
import { until } from '../rig/index.ts';
import { type CloudProcess, type LogLine, Service } from '../system/index.ts';
import { elapsed, Site, type SiteOptions } from './site.ts';

/** A release as it was built: `manifest.json`, `blobs`, and in `tree` what lies in a slot. */
export interface ReleaseFolder {
  readonly folder: string;
  readonly version: string;
}

/** Another release out of one that was built: only its program and its version are others. */
export async function variant(
  of: ReleaseFolder,
  version: string,
  program: (built: string) => string,
  healthSeconds: number,
): Promise<ReleaseFolder> {
  const folder = join(dirname(of.folder), version);
  await mkdir(join(folder, 'blobs'), { recursive: true });
  const manifest = readManifest(await readFile(join(of.folder, 'manifest.json')));
  const content = Buffer.from(program(await readFile(join(of.folder, 'tree/gateway.mjs'), 'utf8')));
  const packed = zstdCompressSync(content);
  const files = manifest.files.map((file) =>
    file.path === 'gateway.mjs'
      ? {
          ...file,
          ...{ length: content.length, sha256: sha256(content) },
          packed: { length: packed.length, sha256: sha256(packed) },
        }
      : file,
  );
  const changed: ReleaseManifest = { ...manifest, version, healthSeconds, files };
  for (const file of files) {
    const path = blobPath(file.packed.sha256);
    if (file.path !== 'gateway.mjs') await cp(join(of.folder, path), join(folder, path));
    else await writeFile(join(folder, path), packed);
  }
  await writeFile(join(folder, 'manifest.json'), writeManifest(changed));
  return { folder, version };
}

type Roots = Readonly<Record<'LOADLINE_PREFIX' | 'LOADLINE_STORE' | 'LOADLINE_STATE', string>>;

/**
 * A gateway of a site as package or image install it: the shipped launcher starts the shipped release out of a slot, and
 * what is staged is installed by the program of the slot in force, as root's service would.
 */
export class UpdatedSite {
  readonly site: Site;
  readonly #roots: Roots;
  readonly #launcher: string;
  #service: Service | undefined;
  #installing: Promise<void> | undefined;
  #isOpen = true;

  private constructor(site: Site, roots: Roots, launcher: string) {
    this.site = site;
    this.#roots = roots;
    this.#launcher = launcher;
  }

  /** Lays out the installation: `release` came with it, and it trusts the root of whoever releases to its cloud. */
  static async prepare(
    release: ReleaseFolder,
    trusted: (cloud: CloudProcess) => Promise<string>,
    options: SiteOptions = {},
  ): Promise<UpdatedSite> {
    const site = await Site.prepare(options);
    const root = await trusted(site.cloud);
    const roots = {
      LOADLINE_PREFIX: join(site.folder, 'opt'),
      LOADLINE_STORE: join(site.folder, 'store'),
      // That of the configuration.
      LOADLINE_STATE: join(site.folder, 'gateway/state'),
    };
    const factory = join(roots.LOADLINE_PREFIX, 'factory');
    await cp(join(release.folder, 'tree'), factory, { recursive: true });
    await chmod(join(factory, 'bin/node'), 0o755);
    await mkdir(join(roots.LOADLINE_PREFIX, 'trust'));
    await writeFile(join(roots.LOADLINE_PREFIX, 'trust/root.json'), root);
    for (const folder of [roots.LOADLINE_STORE, roots.LOADLINE_STATE]) await mkdir(folder, { mode: 0o700 });
    return new UpdatedSite(site, roots, join(factory, 'launcher/loadline-launch'));
  }

  /** Starts the launcher, which starts the gateway, again and again; and what stands for root's service. */
  start(): void {
    this.#service = new Service({
      name: 'launcher',
      node: '/bin/sh',
      nodeFlags: [],
      file: this.#launcher,
      args: ['keep', '--config', this.site.configFile],
      environment: { ...this.#roots, LOADLINE_PAUSE_SECONDS: '1', LOADLINE_GRACE_SECONDS: '5' },
    });
    this.#installing = this.#install();
  }

  /** What the launcher, and each gateway that it started, have printed. */
  get log(): readonly LogLine[] {
    return this.#running.log;
  }

  /** What the launcher has said. */
  get said(): string {
    return this.#running.errors;
  }

  /** Waits for such a line. */
  async line(what: string, wanted: (line: LogLine) => boolean, limitMs = 60_000): Promise<LogLine> {
    return await until(
      () => {
        const { end } = this.#running;
        if (end !== undefined) throw new Error(`the launcher ended: ${this.said}`);
        return this.log.find(wanted);
      },
      { limitMs, what: `${what}; ${this.said}` },
    );
  }

  /** Waits until there were so many lines of an event. */
  async lines(event: string, times: number): Promise<void> {
    await until(() => this.log.filter((line) => line.event === event).length >= times, {
      limitMs: 60_000,
      what: `${event} for the ${times}th time; ${this.said}`,
    });
  }

  /** Asks the gateway to end, and not its launcher, which starts it again. */
  async endGateway(): Promise<void> {
    const { pid } = this.#running;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
    for (const child of children) {
      const words = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (words.includes('gateway.mjs')) process.kill(Number(child), 'SIGTERM');
    }
  }

  /** The line that says which slot runs. */
  async bootState(): Promise<string> {
    return await readFile(join(this.#roots.LOADLINE_STATE, 'boot/state'), 'utf8').catch(() => '');
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#service?.stop();
    await this.#installing;
    await this.site.close();
  }

  get #running(): Service {
    if (this.#service === undefined) throw new Error('the launcher has not been started');
    return this.#service;
  }

  async #install(): Promise<void> {
    const request = join(this.#roots.LOADLINE_STATE, 'staging/request.json');
    const environment = { ...process.env, ...this.#roots };
    for (let done: number | undefined; this.#isOpen; await elapsed(50)) {
      const changed = statSync(request, { throwIfNoEntry: false })?.ino;
      if (changed === undefined || changed === done) continue;
      done = changed;
      await promisify(execFile)('/bin/sh', [this.#launcher, 'exec', 'install'], { env: environment });
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
