import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** apt-get waits this long for another apt-get, and for one download, in seconds. */
const APT_LOCK_WAIT_S = 60;

/**
 * True when `command` can be run; or, where it is an absolute path, is there. If it is missing, root on Debian installs the package of that name, or `from`,
 * first. Otherwise the answer is one line that says why not, for a test to be skipped with:
 *
 *     const strace = await needs('strace');
 *     if (strace !== true) console.log(`skipped: the sync comes before the PUBACK: ${strace}`);
 *     (strace === true ? test : test.skip)('the sync comes before the PUBACK', …);
 *
 * An installation counts towards the file's time limit: raise it where the package is large.
 */
export async function needs(command: string, from: string = command): Promise<true | string> {
  if (isInstalled(command)) return true;
  if (!isInstalled('apt-get'))
    return `${command} is not installed, and there is no apt-get to install it with`;
  if (process.getuid?.() !== 0)
    return `${command} is not installed, and only root may: apt-get install ${from}`;
  try {
    await install(command, from);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `apt-get install ${from} failed: ${lastLine(stderr || message)}`;
  }
  return isInstalled(command) ? true : `the package ${from} brings no command ${command}`;
}

/** While this file says so, a package that brings a service does not start it (invoke-rc.d(8)). */
const NO_SERVICES = '/usr/sbin/policy-rc.d';

/** Files of tests run beside each other, so the first to come installs and the others wait and find it there. */
async function install(command: string, from: string): Promise<void> {
  const script = `
    case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null ;; esac && exit 0
    [ -e ${NO_SERVICES} ] || {
      trap 'rm -f ${NO_SERVICES}' EXIT
      printf '#!/bin/sh\nexit 101\n' > ${NO_SERVICES}
      chmod 755 ${NO_SERVICES}
    }
    apt-get update -q
    apt-get install -qy --no-install-recommends -o DPkg::Lock::Timeout=${APT_LOCK_WAIT_S} "$2"`;
  await run('flock', [join(tmpdir(), 'loadline-apt.lock'), 'sh', '-ec', script, 'sh', command, from], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

function isInstalled(command: string): boolean {
  if (isAbsolute(command)) return existsSync(command);
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What a program said last: where it failed, why. */
export function lastLine(said: string): string {
  return said.trim().split('\n').at(-1) ?? '';
}
