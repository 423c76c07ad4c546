import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { readManifest } from '@loadline/sdk/release';
import {
  firstRoot,
  makeRoleKey,
  nextTargets,
  readTargets,
  resign,
  roleNames,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';
import { until, VirtualCable } from '../rig/index.ts';
import { type LogLine, Service } from '../system/index.ts';
import { elapsed } from './site.ts';
import type { ReleaseFolder } from './updated-site.ts';

/** A repository of signed releases in a folder, and who signs in it. */
export class ReleaseRepository {
  readonly folder: string;
  readonly root: string;
  readonly #signers: Readonly<Record<string, ReturnType<typeof roleSigner>>>;
  #targets: string | undefined;
  readonly #online: { snapshot?: string; timestamp?: string } = {};

  constructor(folder: string) {
    this.folder = folder;
    const keys = roleNames.map((role) => [role, makeRoleKey()] as const);
    this.#signers = Object.fromEntries(keys.map(([role, key]) => [role, roleSigner(key.privateKeyPem)]));
    const roles = Object.fromEntries(keys.map(([role, { key }]) => [role, { keys: [key], threshold: 1 }]));
    this.root = signRoot(firstRoot(roles as never, Date.now()), this.#signer('root'), undefined);
  }

  /** Signs a release as it was built, and puts it there. */
  async publish({ folder }: ReleaseFolder): Promise<void> {
    const manifest = await readFile(join(folder, 'manifest.json'));
    const now = Date.now();
    this.#targets = nextTargets(
      this.#targets,
      { add: [manifest] },
      { signers: [this.#signer('targets')], now },
    );
    await this.#put('metadata/1.root.json', this.root);
    const { version, releases } = readTargets(this.#targets);
    await this.#put(`metadata/${version}.targets.json`, this.#targets);
    const digest = createHash('sha256').update(manifest).digest('hex');
    for (const { path, sha256 } of releases)
      if (sha256 === digest) await this.#put(`targets/${path}`, manifest);
    const signers = { snapshot: this.#signer('snapshot'), timestamp: this.#signer('timestamp') };
    const current = {
      root: this.root,
      targets: this.#targets,
      snapshot: this.#online.snapshot,
      timestamp: this.#online.timestamp,
    };
    for (const { name, content } of resign(current, { signers, now })) {
      if (name.endsWith('snapshot.json')) this.#online.snapshot = content;
      else this.#online.timestamp = content;
      await this.#put(`metadata/${name}`, content);
    }
    await cp(join(folder, 'blobs'), join(this.folder, 'blobs'), { recursive: true });
  }

  #signer(role: (typeof roleNames)[number]): ReturnType<typeof roleSigner> {
    return this.#signers[role] as ReturnType<typeof roleSigner>;
  }

  async #put(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.folder, name)), { recursive: true });
    await writeFile(join(this.folder, name), content);
  }
}

type Roots = Readonly<Record<'LOADLINE_PREFIX' | 'LOADLINE_STORE' | 'LOADLINE_STATE', string>>;

/**
 * A board as the image installs it, that is nobody's: the shipped launcher starts the shipped release out of a slot, it answers
 * on a real tty, and what is staged is installed by the program of the slot in force, as root's service would.
 */
export class FlashedBoard {
  readonly cable: VirtualCable;
  readonly folder: string;
  readonly #roots: Roots;
  readonly #launcher: string;
  #service: Service | undefined;
  #installing: Promise<void> | undefined;
  #isOpen = true;

  private constructor(folder: string, cable: VirtualCable, roots: Roots, launcher: string) {
    this.folder = folder;
    this.cable = cable;
    this.#roots = roots;
    this.#launcher = launcher;
  }

  static async prepare(folder: string, release: ReleaseFolder, trustedRoot: string): Promise<FlashedBoard> {
    const roots = {
      LOADLINE_PREFIX: join(folder, 'opt'),
      LOADLINE_STORE: join(folder, 'store'),
      LOADLINE_STATE: join(folder, 'state'),
    };
    const factory = join(roots.LOADLINE_PREFIX, 'factory');
    await cp(join(release.folder, 'tree'), factory, { recursive: true });
    await chmod(join(factory, 'bin/node'), 0o755);
    await mkdir(join(roots.LOADLINE_PREFIX, 'trust'));
    await writeFile(join(roots.LOADLINE_PREFIX, 'trust/root.json'), trustedRoot);
    for (const each of [roots.LOADLINE_STORE, roots.LOADLINE_STATE]) await mkdir(each, { mode: 0o700 });
    const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
    const day = 86_400_000;
    const term = { notBefore: Date.now() - day, notAfter: Date.now() + 30 * day, serial: randomBytes(16) };
    await writeFile(join(folder, 'maker.pem'), createAuthority({ ...term, commonName: 'Maker', signer }));
    await writeFile(join(folder, 'serial-number'), 'SIM-0001\n');
    await writeFile(join(folder, 'model'), 'Simulated board\n');
    // What systemd-timesyncd touches while it vouches for the time.
    await writeFile(join(folder, 'synchronized'), '');
    const cable = await VirtualCable.open({
      folder: join(folder, 'cable'),
      names: { left: 'tool', right: 'console' },
    });
    return new FlashedBoard(folder, cable, roots, join(factory, 'launcher/loadline-launch'));
  }

  async start(): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    this.#service = new Service({
      name: 'launcher',
      node: '/bin/sh',
      nodeFlags: [],
      file: this.#launcher,
      args: [
        ...['keep', '--site', join(this.#roots.LOADLINE_STATE, 'site')],
        ...['--provision-on', this.cable.right.path, '--maker', at('maker.pem')],
        ...['--serial-number', at('serial-number'), '--model', at('model'), '--radio-on', '/dev/no-radio'],
      ],
      environment: {
        ...this.#roots,
        LOADLINE_PAUSE_SECONDS: '1',
        LOADLINE_GRACE_SECONDS: '5',
        LOADLINE_SYNCHRONIZED: at('synchronized'),
      },
    });
    this.#installing ??= this.#install();
    await this.line('the console', ({ event }) => event === 'provisioning-port-open');
  }

  /** What the launcher, and each gateway that it started, have printed. */
  get log(): readonly LogLine[] {
    return this.#service?.log ?? [];
  }

  async line(what: string, wanted: (line: LogLine) => boolean): Promise<LogLine> {
    const found = () => this.log.find(wanted);
    return await until(found, { limitMs: 60_000, what: `${what}; ${this.#service?.errors}` });
  }

  /** Kills the gateway, and not its launcher, which starts it again. */
  killGateway(): void {
    const launcher = this.#service?.pid;
    for (const task of [`/proc/${launcher}/task/${launcher}/children`]) {
      for (const child of readFileSync(task, 'utf8').trim().split(' ')) {
        const line = readFileSync(`/proc/${child}/cmdline`, 'utf8');
        if (line.includes('gateway.mjs')) process.kill(Number(child), 'SIGKILL');
      }
    }
  }

  async bootState(): Promise<string> {
    return await readFile(join(this.#roots.LOADLINE_STATE, 'boot/state'), 'utf8').catch(() => '');
  }

  /** Version of what lies in a slot. */
  async versionIn(slot: 'a' | 'b'): Promise<string> {
    return readManifest(await readFile(join(this.#roots.LOADLINE_STORE, 'slots', slot, 'manifest.json')))
      .version;
  }

  /** Bytes of packed files that lie there, whole or in part. */
  async fetched(): Promise<number> {
    const folders = ['updates/parts', 'staging/blobs'].map((name) => join(this.#roots.LOADLINE_STATE, name));
    let sum = 0;
    for (const folder of folders) {
      for (const name of await readdir(folder).catch(() => [])) {
        sum += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
      }
    }
    return sum;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#service?.stop();
    await this.#installing;
    await this.cable.close();
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
