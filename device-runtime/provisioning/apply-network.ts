import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeWhole } from '@loadline/sdk/platform';
import { wirelessInterfaces } from './board.ts';
import { readKeptNetwork, systemFiles } from './network.ts';
import { names } from './site-files.ts';

/**
 * Writes the network of the site that is in force as files of systemd-networkd and wpa_supplicant. It is for root, and
 * reads what a program without rights has written: so what it reads is checked as strictly as what came over the line.
 *
 * @param root where the file system begins; another folder in a test
 * @returns what was written, and the wireless interfaces that wpa_supplicant is for
 * @throws Error where nothing is in force, or its network cannot be used
 */
export async function applyNetwork(
  folder: string,
  root: string,
  wireless: () => Promise<readonly string[]> = wirelessInterfaces,
): Promise<{ readonly files: readonly string[]; readonly wireless: readonly string[] }> {
  const file = join(resolve(folder), 'current', names.network);
  const network = readKeptNetwork(await readFile(file, 'utf8'));
  const interfaces =
    network.wifi === undefined ? [] : network.interface ? [network.interface] : await wireless();
  if (network.wifi !== undefined && interfaces.length === 0) {
    throw new Error('the site has a wireless network, and this machine has no wireless interface');
  }
  const files = systemFiles(network, interfaces);
  for (const { path, content, mode } of files) {
    const at = join(root, path);
    await mkdir(dirname(at), { recursive: true });
    await writeWhole(at, content, mode);
  }
  return { files: files.map(({ path }) => path), wireless: interfaces };
}
