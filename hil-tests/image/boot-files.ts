import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Boot } from './machine.ts';

const run = promisify(execFile);
/** Where an image has its boot partition, as mtools is told: at its first mebibyte. */
const boot = (disk: string) => `${disk}@@1M`;

/**
 * The kernel, the initramfs and the kernel's line of an image, taken out of its boot partition: for a start without firmware.
 *
 * @param shell whether a root shell is started beside all that ships
 */
export async function bootFromDisk(disk: string, folder: string, shell?: 'beside'): Promise<Boot> {
  const take = async (name: string) => {
    const path = join(folder, name);
    await run('mcopy', ['-n', '-o', '-i', boot(disk), `::/${name}`, path]);
    return path;
  };
  const { stdout } = await run('mtype', ['-i', boot(disk), '::/loader/entries/loadline.conf']);
  const [, line] = /^options (.*)$/m.exec(stdout) ?? [];
  if (line === undefined) throw new Error(`the boot loader's entry in ${disk} has no options: ${stdout}`);
  const files = { kernel: await take('vmlinuz'), initrd: await take('initrd.img') };
  return { by: 'kernel', ...files, line: line.trim(), ...(shell && { shell }) };
}
