import { constants, existsSync, globSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename } from 'node:path';
import { adviceOn, findHolders } from '@loadline/device-runtime';
import { MetalError } from './errors.ts';

/** Where Linux puts serial ports that have hardware, the links that name an adapter first. */
const usualPorts = ['/dev/serial/by-id/*', '/dev/ttyUSB*', '/dev/ttyACM*', '/dev/ttyAMA*'];

/**
 * Whether this process may open a port, and nobody else has it. @throws MetalError `absent`, `not-a-tty`, `denied`, `busy`,
 * each with what to do
 */
export async function checkAccess(path: string): Promise<void> {
  const stats = look(path);
  if (stats === undefined) {
    const there = globSync(usualPorts).sort();
    throw new MetalError(
      'absent',
      `there is no ${path}`,
      there.length > 0
        ? `there are ${there.join(', ')}`
        : 'this machine has no serial port now; plug the adapter in, and look at the end of dmesg',
    );
  }
  if (!isTty(stats)) {
    throw new MetalError('not-a-tty', `${path} is no serial port`, 'name a tty, such as /dev/ttyUSB0');
  }
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw new MetalError('denied', `you may not open ${path}`, deniedAdvice(stats, whoAmI()), { cause });
  }
  const { holders } = await findHolders([stats.rdev]);
  const [holder] = holders.get(stats.rdev) ?? [];
  if (holder !== undefined) throw busy(path, adviceOn(holder, path));
}

/** @throws MetalError `denied` where the way to it is closed to this user */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new MetalError('denied', `you may not look at ${path}`, (cause as Error).message, { cause });
  }
}

/** By what the kernel says of its class; of ptys it says none. Opening it to find out would move its modem lines. */
function isTty(stats: Stats): boolean {
  if (!stats.isCharacterDevice()) return false;
  const { rdev } = stats;
  const number = `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
  const link = `/sys/dev/char/${number}/subsystem`;
  return !existsSync(link) || basename(realpathSync(link)) === 'tty';
}

/** @param who the program that has it, in words, where one is seen */
export function busy(path: string, who?: string): MetalError {
  return new MetalError(
    'busy',
    `${path} is in use`,
    who ?? `another user's program has it: as root, fuser -v ${path} names it`,
  );
}

/** A user, as far as rights go: the groups of this session, and those that /etc/group says. */
export interface Self {
  readonly name: string;
  readonly groups: readonly number[];
  /** The lines of /etc/group. */
  readonly groupFile: string;
}

function whoAmI(): Self {
  const read = () => {
    try {
      return readFileSync('/etc/group', 'utf8');
    } catch {
      return '';
    }
  };
  const name = () => {
    try {
      return userInfo().username;
    } catch {
      return `user ${process.getuid?.() ?? ''}`;
    }
  };
  return { name: name(), groups: process.getgroups?.() ?? [], groupFile: read() };
}

/** What whoever may not open a device has to do, by whose it is. */
export function deniedAdvice({ gid, mode }: Pick<Stats, 'gid' | 'mode'>, self: Self): string {
  const [group, , , members = ''] =
    self.groupFile
      .split('\n')
      .map((line) => line.split(':'))
      .find(([, , id]) => Number(id) === gid) ?? [];
  const mayGroup = (mode & 0o060) === 0o060;
  if (group === undefined || gid === 0 || !mayGroup) {
    return 'its group may not open it either: see to a udev rule (MODE="0660", GROUP="dialout")';
  }
  if (members.split(',').includes(self.name) && !self.groups.includes(gid)) {
    return `you are in the group ${group}, but this session began before: log out and in again (or: newgrp ${group})`;
  }
  return `it is the group ${group}'s: sudo usermod -aG ${group} ${self.name}, then log out and in again`;
}
