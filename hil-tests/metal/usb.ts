import { existsSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { until } from '../rig/index.ts';
import { MetalError } from './errors.ts';

/** Milliseconds in which a device goes, and is there again, udev's links too. */
const goneMs = 5000;
const backMs = 15_000;

/**
 * The file by which the kernel unplugs the USB adapter of a tty: `authorized` of the device, not of its interface
 * (Documentation/usb/authorization.rst). Nothing else is on an adapter, but everything on it goes.
 *
 * @param sys where sysfs is
 * @throws MetalError `absent`; `unplug` where the tty is on no USB device, or this user may not write the file
 */
export function usbSwitch(path: string, sys = '/sys'): string {
  if (!existsSync(path)) throw new MetalError('absent', `there is no ${path}`, 'plug the adapter in');
  const tty = basename(realpathSync(path));
  const entry = join(sys, 'class/tty', tty, 'device');
  if (!existsSync(entry)) {
    throw new MetalError(
      'unplug',
      `${path} (${tty}) is no adapter on USB`,
      'leave --unplug-by usb out: who sits there is asked to pull the plug',
    );
  }
  for (let folder = realpathSync(entry); folder !== '/' && folder !== '.'; folder = dirname(folder)) {
    const file = join(folder, 'authorized');
    // An interface has one too; only a device says what it is.
    if (!existsSync(file) || !existsSync(join(folder, 'idVendor'))) continue;
    try {
      writeFileSync(file, readFileSync(file, 'latin1'));
    } catch (cause) {
      throw new MetalError(
        'unplug',
        `${file} cannot be written: ${(cause as Error).message}`,
        `give yourself that file by a udev rule, or: sudo chown $USER ${file}`,
        { cause },
      );
    }
    return file;
  }
  throw new MetalError('unplug', `${path} is on no USB device`, 'leave --unplug-by usb out');
}

/** Unplugs and plugs in the adapter of the gateway's port. */
export interface Plug {
  /** In words, for who reads why something took its time. */
  readonly label: string;
  unplug(): Promise<void>;
  replug(): Promise<void>;
}

/** By the kernel: the adapter keeps its power and is gone to every program, as when it is pulled. */
export function usbPlug(path: string, file: string): Plug {
  return {
    label: 'unplugged by the kernel (USB authorized)',
    async unplug() {
      writeFileSync(file, '0');
      await isGone(path);
    },
    async replug() {
      writeFileSync(file, '1');
      await isBack(path);
    },
  };
}

/**
 * Plugs in what a scenario that failed, or was killed, has left unplugged by the kernel: the adapter would be dead to
 * everybody until somebody pulls it.
 */
export async function leavePlugged(path: string, file: string): Promise<void> {
  if (readFileSync(file, 'latin1').trim() !== '0') return;
  await usbPlug(path, file).replug();
}

/** By a person: who is told what to do, and given time. @param tell says it to him */
export function handPlug(path: string, tell: (words: string) => void, limitMs: number): Plug {
  return {
    label: 'unplugged by hand',
    async unplug() {
      tell(`PLEASE PULL THE PLUG of ${path}`);
      await isGone(path, limitMs);
    },
    async replug() {
      tell(`PLEASE PLUG ${path} IN AGAIN`);
      await isBack(path, limitMs);
    },
  };
}

const isThere = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined;

async function isGone(path: string, limitMs = goneMs): Promise<void> {
  await inTime(() => !isThere(path), limitMs, `${path} is still there`, 'is it the adapter that was meant?');
}

async function isBack(path: string, limitMs = backMs): Promise<void> {
  await inTime(
    () => isThere(path),
    limitMs,
    `${path} has not come back`,
    'it may have come back under another name: give ports by their links in /dev/serial/by-id',
  );
}

async function inTime(is: () => boolean, limitMs: number, what: string, act: string): Promise<void> {
  await until(is, { limitMs, what }).catch((cause) => {
    throw new MetalError('unplug', `${what} after ${limitMs / 1000} s`, act, { cause });
  });
}
