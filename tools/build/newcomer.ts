import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';

/** The account without any rights that every Unix has: nobody, and the group of that account. */
const nobody = 65_534;

/** What became of a line that was typed. */
export interface Typed {
  readonly status: number | null;
  /** All that was printed: standard output, then standard error. */
  readonly output: string;
}

/**
 * Somebody who has the tarballs and nothing else of Loadline: no root, a folder outside the workspace, a Node 24 and the
 * npm of this machine. What that npm has in its cache is there too, so that nothing is fetched twice.
 */
export class Newcomer {
  readonly folder = mkdtempSync(join(tmpdir(), 'loadline-newcomer-'));
  /** The project to copy, of the kit's own tarball; each line is typed there. */
  readonly project = join(this.folder, 'my-gateway');
  readonly #account = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  readonly #environment: NodeJS.ProcessEnv;

  constructor(tarballs: readonly string[]) {
    const [programs, home, packages] = ['bin', 'home', 'packages'].map((name) => join(this.folder, name)) as [
      string,
      string,
      string,
    ];
    chmodSync(this.folder, 0o755);
    for (const folder of [programs, home, packages]) mkdirSync(folder);
    // The checkout's own may lie where only root may look.
    linkOrCopy(process.execPath, join(programs, 'node'));
    for (const path of tarballs) copyFileSync(path, join(packages, basename(path)));
    const kit = tarballs.find((path) => basename(path).startsWith('loadline-hil-tests-')) ?? '';
    execFileSync('tar', ['-xzf', kit, '-C', this.folder, 'package/examples']);
    renameSync(join(this.folder, 'package/examples'), this.project);
    this.#environment = {
      ...withoutNpm(process.env),
      HOME: home,
      PATH: [programs, process.env.PATH].join(delimiter),
      npm_config_registry: npmSetting('registry'),
      npm_config_cache: this.#cache(),
      npm_config_prefer_offline: 'true',
      npm_config_update_notifier: 'false',
    };
    if ('uid' in this.#account) {
      for (const folder of [home, this.project]) execFileSync('chown', ['-R', String(nobody), folder]);
    }
  }

  /** Types a line into a shell. */
  types(line: string): Typed {
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-e', '-c', line], {
      cwd: this.project,
      env: this.#environment,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      ...this.#account,
    });
    return { status, output: `${stdout}${stderr}` };
  }

  leave(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * A cache that the newcomer may write to: root's contents, by links that only root may write through, and a copy of their index.
   * npm writes into that where it knows a package of the same name already.
   */
  #cache(): string {
    const own = npmSetting('cache');
    if (!('uid' in this.#account)) return own;
    const cache = join(this.folder, 'npm-cache');
    spawnSync('cp', ['-al', own, cache]);
    const index = '_cacache/index-v5';
    rmSync(join(cache, index), { recursive: true, force: true });
    mkdirSync(join(cache, '_cacache'), { recursive: true });
    spawnSync('cp', ['-a', join(own, index), join(cache, index)]);
    for (const which of [
      ['-type', 'd'],
      ['-path', `*/${index}/*`],
    ]) {
      execFileSync('find', [cache, ...which, '-exec', 'chown', String(nobody), '{}', '+']);
    }
    return cache;
  }
}

/** Over the border of a file system there are no hard links. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function npmSetting(name: string): string {
  return execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
}

/** What npm and the checkout's Node tell their children is not for others. */
function withoutNpm(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$)/i.test(name)),
  );
}
