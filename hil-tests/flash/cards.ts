import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';

/** A file as a block device. */
export class Loop {
  readonly path: string;

  /** @param direct the device reads and writes its file past the page cache of the file's file system */
  constructor(file: string, direct: 'direct' | 'cached' = 'cached') {
    const words = ['--find', '--show', ...(direct === 'direct' ? ['--direct-io=on'] : []), file];
    this.path = execFileSync('losetup', words, { encoding: 'utf8' }).trim();
    // The kernel keeps the mark of the file that was there before.
    execFileSync('blockdev', ['--setrw', this.path]);
  }

  get name(): string {
    return this.path.replace('/dev/', '');
  }

  detach(): void {
    execFileSync('losetup', ['--detach', this.path]);
  }
}

/** Whether this machine has loop devices for us; otherwise a line that says why not. */
export function loopDevices(): true | string {
  if (process.platform !== 'linux') return 'loop devices are of Linux';
  if (process.getuid?.() !== 0) return 'only root may make loop devices';
  if (statSync('/dev/loop-control', { throwIfNoEntry: false }) === undefined)
    return 'this kernel has no loop devices';
  return true;
}

/** A card that lies, as a file of a FUSE file system whose other end is nbdkit. */
export class LyingCard {
  readonly path: string;
  readonly #server: ReturnType<typeof spawn>;
  readonly #ended: Promise<void>;
  readonly #mount: string;

  /** Whether this machine can have one. */
  static async isPossible(): Promise<true | string> {
    const loops = loopDevices();
    if (loops !== true) return loops;
    for (const [command, from] of [
      ['nbdkit', 'nbdkit'],
      ['nbdfuse', 'libnbd-bin'],
      ['fusermount3', 'fuse3'],
    ] as const) {
      const there = await needs(command, from);
      if (there !== true) return there;
    }
    return statSync('/dev/fuse', { throwIfNoEntry: false }) === undefined ? 'this kernel has no FUSE' : true;
  }

  /** @param nbdkit its plugin and words */
  static async open(nbdkit: readonly string[]): Promise<LyingCard> {
    const card = new LyingCard(nbdkit);
    const isThere = () => statSync(card.path, { throwIfNoEntry: false }) !== undefined;
    await until(isThere, { limitMs: 10_000, what: 'nbdfuse to come up' });
    return card;
  }

  private constructor(nbdkit: readonly string[]) {
    this.#mount = mkdtempSync(join(tmpdir(), 'loadline-card-'));
    this.path = join(this.#mount, 'card');
    const words = [this.path, '--command', 'nbdkit', '-s', ...nbdkit];
    this.#server = spawn('nbdfuse', words, { stdio: 'ignore' });
    this.#ended = new Promise((resolve) => this.#server.once('close', () => resolve()));
  }

  /** It answers nothing any more. */
  async pull(): Promise<void> {
    this.#server.kill();
    await this.#ended;
  }

  async close(): Promise<void> {
    await this.pull();
    await new Promise<void>((resolve) => {
      execFile('umount', ['--lazy', this.#mount], () => resolve());
    });
    rmSync(this.#mount, { recursive: true, force: true });
  }
}

/** A file of that many bytes, with nothing in it. */
export function emptyFile(path: string, bytes: number): string {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}
