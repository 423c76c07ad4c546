import { copyFile, mkdir, open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Trees } from './assemble.ts';
import { inBlocks, type Range, usedByExt, usedByFat } from './block-map.ts';
import { type Board, bootFiles } from './boards.ts';
import { makeExt, makeFat } from './file-systems.ts';
import { type Identifiers, type Layout, layoutOf, mebibyte, rootBytesFor, sfdiskScript } from './layout.ts';
import { run } from './run.ts';

/** An unpacked image: a sparse file. */
export interface Raw {
  readonly path: string;
  readonly layout: Layout;
  /** What of it has to be written to a card: whole blocks, in order. */
  readonly used: readonly Range[];
}

/**
 * Writes the file systems of an image, and the partition table before them.
 *
 * @param epoch seconds since 1970: the time of all that is made
 */
export async function writeRaw(
  board: Board,
  ids: Identifiers,
  trees: Trees,
  epoch: number,
  work: string,
): Promise<Raw> {
  const { bytes, files } = await sizeOf(trees.root);
  const layout = layoutOf(board, rootBytesFor(bytes), ids.signature);
  const [boot, root, data] = layout.partitions;
  const parts = {
    boot: join(work, 'boot.part'),
    root: join(work, 'root.part'),
    data: join(work, 'data.part'),
  };
  const bootFolder = join(work, 'boot');
  await stageBoot(board, ids, trees.taken, bootFolder, epoch);
  await makeFat({ from: bootFolder, to: parts.boot, bytes: boot.bytes, signature: ids.signature, epoch });
  const ext = {
    epoch,
    label: 'root',
    uuid: ids.root,
    journalMebibytes: 0,
    inodes: Math.ceil((files * 1.1) / 1024) * 1024,
  };
  await makeExt({ ...ext, from: trees.root, to: parts.root, bytes: root.bytes }, work);
  await makeExt(
    {
      epoch,
      label: 'data',
      uuid: ids.data,
      journalMebibytes: 16,
      inodes: 16_384,
      from: trees.data,
      to: parts.data,
      bytes: data.bytes,
    },
    work,
  );
  const used = [
    { from: 0, to: boot.from },
    await usedByFatIn(parts.boot, boot.from),
    ...usedByExt(await run('dumpe2fs', [parts.root]), root.from),
    ...usedByExt(await run('dumpe2fs', [parts.data]), data.from),
  ];
  const raw = join(work, 'disk.img');
  await writeFile(raw, '');
  await truncate(raw, layout.bytes);
  await run('sfdisk', ['--quiet', raw], { input: sfdiskScript(layout) });
  for (const [from, to] of [
    [parts.boot, boot.from],
    [parts.root, root.from],
    [parts.data, data.from],
  ] as const) {
    await run('dd', [
      `if=${from}`,
      `of=${raw}`,
      'bs=1M',
      `seek=${to / mebibyte}`,
      'conv=notrunc,sparse',
      'status=none',
    ]);
    await rm(from);
  }
  return { path: raw, layout, used: inBlocks(used) };
}

/** What lies in the boot partition: kernel, initramfs, what loads them, and the folder for what a person places there. */
async function stageBoot(
  board: Board,
  ids: Identifiers,
  taken: string,
  folder: string,
  epoch: number,
): Promise<void> {
  const copies = new Map([
    ['vmlinuz', 'vmlinuz'],
    ['initrd.img', 'initrd.img'],
  ]);
  if (board.boot.by === 'uefi') copies.set('EFI/BOOT/BOOTAA64.EFI', 'efi/systemd-bootaa64.efi');
  else {
    for (const name of board.boot.firmware) copies.set(name, `raspi-firmware/${name}`);
    for (const name of board.boot.deviceTrees) copies.set(name, `device-trees/broadcom/${name}`);
    copies.set('LICENCE.broadcom', 'copyright/raspi-firmware.txt');
  }
  for (const [to, from] of copies) {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await copyFile(join(taken, from), join(folder, to));
  }
  const texts = new Map([...bootFiles(board, ids), ['loadline/README.txt', placed]]);
  for (const [path, content] of texts) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  for (const entry of await readdir(folder, { recursive: true }))
    await utimes(join(folder, entry), epoch, epoch);
}

const placed =
  `What is placed in this folder by 'loadline flash --config' is taken by the gateway at its next start.
A file called loadline-provision beside this folder, not empty, stands for somebody at the gateway (docs/provisioning.md).
`.replaceAll('\n', '\r\n');

/** Bytes that the files and folders below one take up in blocks of 4096, and how many they are. */
async function sizeOf(folder: string): Promise<{ bytes: number; files: number }> {
  let bytes = 0;
  let files = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    files += 1;
    if (entry.isFile())
      bytes += Math.ceil((await stat(join(entry.parentPath, entry.name))).size / 4096) * 4096;
    else if (entry.isDirectory()) bytes += 4096;
  }
  return { bytes, files };
}

async function usedByFatIn(path: string, from: number): Promise<Range> {
  const file = await open(path, 'r');
  try {
    const read = async (at: number, bytes: number) =>
      (await file.read(Buffer.alloc(bytes), 0, bytes, at)).buffer;
    return await usedByFat(read, from);
  } finally {
    await file.close();
  }
}
