import { bootAsRaspberryPi } from './boot-files.ts';
import { EmulatedSite } from './emulated-site.ts';
import type { MachineMaterial } from './material.ts';
import type { Rung } from './rung.ts';
import { bootsAndIsProvisioned } from './rung-virt.ts';

/**
 * The card of a Raspberry Pi 3 in an emulated one. What its GPU does first (bootcode.bin, start.elf, config.txt) is not emulated:
 * kernel, device tree and line are given to the emulator as that would.
 */
export async function climbRaspi3b(rung: Rung, { disk, benchFolder }: MachineMaterial): Promise<void> {
  const site = await EmulatedSite.prepare({ board: 'raspi3b', folder: rung.folder, disk, benchFolder });
  try {
    await bootsAndIsProvisioned(rung, site, await bootAsRaspberryPi(disk, rung.folder));
  } finally {
    await site.close();
  }
}
