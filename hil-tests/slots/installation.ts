import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePath, launcherPath } from '@loadline/device-runtime';
import { type Layout, layoutOf } from '@loadline/device-runtime/slots';
import { type CallEvent, readTrace, tracedFromStart } from '../scenarios/system-calls.ts';
import { layOut, type SmallRelease, smallRelease } from './releases.ts';

/** Stands for Node: says that it was started, or does what a gateway does with slots, or what a bad one does. */
const node = `#!/bin/sh
case $ACT in
report) echo "$LOADLINE_SLOT $LOADLINE_RELEASE" >>"$NOTES" ;;
die) exit 1 ;;
hang) exec sleep 60 ;;
*) exec "$REAL_NODE" --conditions=loadline-source "$ACTS" "$ACT" ;;
esac
`;

/** What the gateway in a slot does when it is started. */
export type Act = 'report' | 'die' | 'hang' | 'switch' | 'confirm';

const launcher = readFileSync(launcherPath, 'utf8');

/** A release of a version; its launcher is the one that ships, under a number of its own. */
export function releaseOf(version: string, launcherNumber: number): SmallRelease {
  const text = (content: string) => Buffer.from(content);
  return smallRelease(
    version,
    launcherNumber,
    new Map([
      ['bin/node', text(node)],
      ['gateway.mjs', text(`// ${version}\n`)],
      ['launcher/loadline-launch', text(launcher.replace(/^version=.*$/m, `version=${launcherNumber}`))],
      // More than one write, and than one sector.
      ['prebuilds/large', Buffer.alloc(150_000, version)],
    ]),
  );
}

/**
 * An installation in a folder: what root and the gateway have written is in `store` and `boot`, all else is outside of what
 * a power cut takes.
 */
export class Installation {
  readonly folder: string;
  readonly layout: Layout;
  readonly #roots: Readonly<Record<string, string>>;

  constructor(folder: string) {
    this.folder = folder;
    this.#roots = {
      LOADLINE_PREFIX: join(folder, 'opt'),
      LOADLINE_STORE: join(folder, 'store'),
      LOADLINE_STATE: join(folder, 'state'),
    };
    this.layout = layoutOf(this.#roots);
  }

  /** A new one, with a release in `factory`. */
  static make(folder: string, factory: SmallRelease, root: string): Installation {
    const made = new Installation(folder);
    layOut(made.layout.factory, factory);
    mkdirSync(dirname(made.layout.trustedRoot), { recursive: true });
    writeFileSync(made.layout.trustedRoot, root);
    mkdirSync(dirname(made.layout.launcher.first), { recursive: true });
    writeFileSync(made.layout.launcher.first, launcher, { mode: 0o755 });
    for (const each of made.disk) mkdirSync(each, { recursive: true });
    return made;
  }

  /** The folders that a power cut takes something from. */
  get disk(): readonly string[] {
    return [join(this.folder, 'store'), join(this.folder, 'state/boot')];
  }

  /** Another one, of which nothing is there but what came with the image. */
  besides(folder: string): Installation {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'state'), { recursive: true });
    symlinkSync(realpathSync(join(this.folder, 'opt')), join(folder, 'opt'));
    return new Installation(folder);
  }

  /** The shipped installer over what is staged, with what it does to the disk. */
  async install(): Promise<CallEvent[]> {
    return await this.#traced([process.execPath, bundlePath, 'install'], {});
  }

  /** One run of the launcher, whose gateway does `act`, with what that does to the disk. */
  async launch(act: Act, more: Readonly<Record<string, string>> = {}): Promise<CallEvent[]> {
    return await this.#traced([this.layout.launcher.first, 'run'], { ACT: act, ...more });
  }

  /** The slot and the folder that the launcher starts from now. */
  async started(): Promise<{ slot: string; folder: string } | undefined> {
    const notes = join(this.folder, 'notes');
    rmSync(notes, { force: true });
    const env = { ...this.#environment(), ACT: 'report', NOTES: notes };
    const child = spawn(this.layout.launcher.first, ['run'], { env, stdio: 'ignore' });
    await once(child, 'exit');
    if (!existsSync(notes)) return undefined;
    const [slot = '', folder = ''] = readFileSync(notes, 'utf8').trim().split(' ');
    return { slot, folder };
  }

  /** Runs the installer without looking. */
  async installAgain(): Promise<void> {
    const child = spawn(process.execPath, [bundlePath, 'install'], {
      env: this.#environment(),
      stdio: 'ignore',
    });
    await once(child, 'exit');
  }

  async #traced(words: readonly string[], more: Readonly<Record<string, string>>): Promise<CallEvent[]> {
    const trace = join(this.folder, 'trace');
    rmSync(trace, { force: true });
    const [program = '', ...rest] = [...tracedFromStart(trace), ...words];
    const env = { ...this.#environment(), NOTES: join(this.folder, 'notes'), ...more };
    const child = spawn(program, rest, { env, stdio: 'ignore' });
    await once(child, 'exit');
    return await readTrace(child.pid as number, trace);
  }

  #environment(): Record<string, string | undefined> {
    return {
      PATH: process.env.PATH,
      REAL_NODE: process.execPath,
      ACTS: fileURLToPath(new URL('acts.ts', import.meta.url)),
      ...this.#roots,
    };
  }
}

/** What keeps a folder from being a release as it was built; undefined where nothing does. */
export function notWhole(folder: string, releases: ReadonlyMap<string, SmallRelease>): string | undefined {
  const text = (path: string) =>
    existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined;
  const version = /"version": "([^"]+)"/.exec(text('manifest.json')?.toString('utf8') ?? '')?.[1] ?? '';
  const release = releases.get(version);
  if (release === undefined) return `${folder} has no manifest`;
  if (!text('manifest.json')?.equals(release.bytes)) return `${folder} has half a manifest`;
  const there = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  if (there.length !== release.files.size + 1) return `${folder} has ${there.length} files`;
  for (const { path, executable } of release.manifest.files) {
    if (!text(path)?.equals(release.files.get(path) as Buffer)) return `${folder}/${path} is not whole`;
    if (((statSync(join(folder, path)).mode & 0o100) !== 0) !== executable)
      return `${folder}/${path}: its mode`;
  }
  return undefined;
}

/** The version of the release in a folder. */
export function versionIn(folder: string): string | undefined {
  const file = join(folder, 'manifest.json');
  return existsSync(file) ? /"version": "([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
}
