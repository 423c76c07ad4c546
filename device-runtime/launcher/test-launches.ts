import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Layout, layoutOf, slotFolder, startTrial } from '../slots/index.ts';

export const launcherPath = fileURLToPath(new URL('loadline-launch', import.meta.url));

export const id = '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11';

/** Any end before this is a quick death; and none is. */
export const quick = { LOADLINE_QUICK_SECONDS: '100' };
export const neverQuick = { LOADLINE_QUICK_SECONDS: '0' };

/** Stands for a gateway: notes that it was started and how, and does what the file `does` beside it says. */
const program = `
import { appendFileSync, readFileSync } from 'node:fs';
const { LOADLINE_SLOT: slot, LOADLINE_BOOT: boot, LOADLINE_RELEASE: release, LOADLINE_STAGE: stage } = process.env;
const note = (what) => appendFileSync(process.env.NOTES, JSON.stringify({ what, slot, pid: process.pid, ...more }) + '\\n');
const does = readFileSync(release + '/does', 'utf8').trim();
let more = { boot, release, stage, does, argv: process.argv.slice(2), watchdog: process.env.WATCHDOG_PID, flags: process.execArgv };
const end = (signal, code) => process.on(signal, () => { note(signal); setTimeout(() => process.exit(code), 50); });
end('SIGTERM', 0);
end('SIGINT', 0);
end('SIGHUP', 5);
if (does === 'deaf') process.on('SIGTERM', () => {}).removeAllListeners('SIGTERM').on('SIGTERM', () => note('SIGTERM'));
note('started');
more = {};
if (does.startsWith('exit ')) process.exit(Number(does.slice(5)));
setInterval(() => {}, 1000);
`;

/** What a gateway has noted of itself. */
interface Note {
  readonly what: string;
  readonly slot: string;
  readonly pid: number;
  readonly boot: string;
  readonly release: string;
  readonly stage?: string;
  readonly does: string;
  readonly argv: readonly string[];
  readonly watchdog?: string;
  readonly flags: readonly string[];
}

/** An installation in a folder of its own, and what the launcher has started of it. */
export class LaunchedSite {
  readonly folder = mkdtempSync(join(tmpdir(), 'loadline-launch-'));
  readonly layout: Layout;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly #started: ChildProcess[] = [];

  private constructor() {
    const roots = {
      LOADLINE_PREFIX: join(this.folder, 'opt'),
      LOADLINE_STORE: join(this.folder, 'store'),
      LOADLINE_STATE: join(this.folder, 'state'),
    };
    this.layout = layoutOf(roots);
    this.environment = { PATH: process.env.PATH, NOTES: join(this.folder, 'notes'), ...roots };
    mkdirSync(this.layout.slots, { recursive: true });
    mkdirSync(roots.LOADLINE_STATE);
  }

  /** With a release in `factory` that waits for a signal. */
  static async open(): Promise<LaunchedSite> {
    const site = new LaunchedSite();
    await site.release('factory', 'wait');
    return site;
  }

  close(): void {
    for (const child of this.#started) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
    for (const { pid } of this.notes('started')) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true });
  }

  /** Puts a release into a slot that does `does`: waits for a signal, is deaf, or ends with a code. */
  async release(slot: 'a' | 'b' | 'factory', does: string): Promise<void> {
    const tree = slotFolder(this.layout, slot);
    await rm(tree, { recursive: true, force: true });
    await mkdir(join(tree, 'bin'), { recursive: true });
    await symlink(process.execPath, join(tree, 'bin/node'));
    await writeFile(join(tree, 'gateway.mjs'), program);
    await writeFile(join(tree, 'does'), does);
    await writeFile(join(tree, 'manifest.json'), `{\n "version": "1.0.${slot.length}",\n "x": 1\n}\n`);
  }

  launch(command: string, more: Readonly<Record<string, string>> = {}): ChildProcess {
    return this.watch(
      spawn(launcherPath, [command, '--config', 'a file'], {
        env: { ...this.environment, ...more },
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    );
  }

  /** Ends a process with the site, where nothing has ended it before. */
  watch(child: ChildProcess): ChildProcess {
    this.#started.push(child);
    return child;
  }

  /** One run of the launcher; how it ended. */
  async run(more: Readonly<Record<string, string>> = {}): Promise<number | string> {
    return await ended(this.launch('run', more));
  }

  async trialOf(slot: 'a' | 'b'): Promise<void> {
    await startTrial(this.layout, { slot, seconds: 600, id });
  }

  notes(what?: string): Note[] {
    const file = join(this.folder, 'notes');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Note)
      .filter((note) => what === undefined || note.what === what);
  }

  slotsStarted(): string[] {
    return this.notes('started').map(({ slot }) => slot);
  }

  /** Waits until so many gateways were started, since the notes began. */
  async starts(count: number): Promise<void> {
    await until(() => this.notes('started').length >= count);
  }
}

export async function ended(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? (child.signalCode as string);
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error('waited in vain');
    await delay(10);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and that nobody has waited for is not.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
