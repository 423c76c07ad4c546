import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Boot } from './machine.ts';

const run = promisify(execFile);
/** Where an image has its boot partition, as mtools is told: at its first mebibyte. */
const boot = (disk: string) => `${disk}@@1M`;

/**
 * The kernel, the initramfs and the kernel's line of an image for machines with UEFI, taken out of its boot partition: for a
 * start without firmware.
 *
 * @param shell whether a root shell is started beside all that ships
 */
export async function bootFromDisk(disk: string, folder: string, shell?: 'beside'): Promise<Boot> {
  const { stdout } = await run('mtype', ['-i', boot(disk), '::/loader/entries/loadline.conf']);
  const [, line] = /^options (.*)$/m.exec(stdout) ?? [];
  if (line === undefined) throw new Error(`the boot loader's entry in ${disk} has no options: ${stdout}`);
  return { by: 'kernel', ...(await takeKernel(disk, folder)), line: line.trim(), ...(shell && { shell }) };
}

/** QEMU 7.2 has no time in the Pi's watchdog: the emulated machine is reset by what only sets a real one going. */
const noWatchdog = 'modprobe.blacklist=bcm2835_wdt';

/** The same of an image for a Raspberry Pi 3, with its device tree: what its GPU would hand to the processor. */
export async function bootAsRaspberryPi(disk: string, folder: string): Promise<Boot> {
  const { stdout } = await run('mtype', ['-i', boot(disk), '::/cmdline.txt']);
  const deviceTree = await take(disk, folder, 'bcm2837-rpi-3-b.dtb');
  return {
    by: 'kernel',
    ...(await takeKernel(disk, folder)),
    deviceTree,
    line: `${stdout.trim()} ${noWatchdog}`,
  };
}

async function takeKernel(disk: string, folder: string): Promise<{ kernel: string; initrd: string }> {
  return {
    kernel: await take(disk, folder, 'vmlinuz'),
    initrd: await take(disk, folder, 'initrd.img'),
  };
}

async function take(disk: string, folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await run('mcopy', ['-n', '-o', '-i', boot(disk), `::/${name}`, path]);
  return path;
}
