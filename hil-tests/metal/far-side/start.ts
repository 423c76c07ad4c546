import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What is to be at the other end. */
export type FarSide = {
  /** Folder of the ports' links. */
  readonly folder: string;
  /** A file that says whether the last port is there: `0`, and it is unplugged; as the kernel's own for USB. */
  readonly authorized?: string;
} & (
  | {
      readonly kind: 'cable';
      readonly wires: 'crossed' | 'straight' | 'one-way' | 'bridged' | 'long' | 'inverted';
    }
  | {
      readonly kind: 'base-station' | 'gw1' | 'banner' | 'nobody';
      /** The speed at which it speaks. Default: any. */
      readonly speed?: number;
    }
);

/** Ports of another process. */
export interface ForeignPorts {
  readonly paths: readonly string[];
  readonly pid: number;
  /** Unplugs the last of them, or plugs it in again. */
  say(what: 'unplug' | 'replug'): void;
  end(): Promise<void>;
}

/** Starts a process with this at its ports' other end; resolves when they can be opened. It ends with this one. */
export async function startFarSide(what: FarSide): Promise<ForeignPorts> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, main, JSON.stringify(what)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  const lines = createInterface({ input: stdout });
  const [first] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown];
  const ended = once(child, 'exit');
  return {
    paths: JSON.parse(String(first)) as string[],
    pid: child.pid ?? 0,
    say: (word) => void stdin.write(`${word}\n`),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      stdin.end();
      await ended;
    },
  };
}
