import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { lastLine, needs } from '../runner/debian.ts';

const table = '/proc/sys/fs/binfmt_misc';
/** Shared libraries of arm64, of Debian's cross packages: what Node wants of a system. */
const libraries = '/usr/aarch64-linux-gnu';

/** Where programs of arm64 find their libraries here. */
export const foreignEnvironment = { QEMU_LD_PREFIX: libraries } as const;

/**
 * Has this machine run programs of arm64, by QEMU's emulation of one process; true, or one line that says why it cannot.
 * The kernel is told of the emulator (binfmt_misc), as systemd does where it runs.
 */
export async function runsArm64(): Promise<true | string> {
  for (const [path, from] of [
    ['qemu-aarch64-static', 'qemu-user-static'],
    [`${libraries}/lib/libstdc++.so.6`, 'libstdc++6-arm64-cross'],
  ] as const) {
    const there = await needs(path, from);
    if (there !== true) return there;
  }
  if (process.arch === 'arm64') return true;
  try {
    if (!existsSync(`${table}/register`)) execFileSync('mount', ['-t', 'binfmt_misc', 'none', table]);
    if (!existsSync(`${table}/qemu-aarch64`)) {
      writeFileSync(`${table}/register`, readFileSync('/usr/lib/binfmt.d/qemu-aarch64.conf'));
    }
    return true;
  } catch (error) {
    return `the kernel cannot be told how programs of arm64 are run: ${lastLine((error as Error).message)}`;
  }
}
