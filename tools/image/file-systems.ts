import { randomUUID } from 'node:crypto';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asRoot } from './assemble.ts';
import { blockBytes } from './block-map.ts';
import { run } from './run.ts';

/** Not this machine's /etc/mke2fs.conf: the same features wherever an image is made, and such as Linux 6.1 knows. */
const configuration = `[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	blocksize = ${blockBytes}
	inode_size = 256
	inode_ratio = 16384
	enable_periodic_fsck = 0
[fs_types]
	ext4 = {
		features = extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
`;

/** An ext4 file system that is made of a folder. */
export interface ExtOrder {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly label: string;
  readonly uuid: string;
  /** Seconds since 1970 that it says it was made at. */
  readonly epoch: number;
  /** One that is never written needs no journal. */
  readonly journalMebibytes: number;
  readonly inodes: number;
}

/** Makes an ext4 file system: the same folder, the same bytes. */
export async function makeExt(order: ExtOrder, work: string): Promise<void> {
  const { from, to, bytes, label, uuid, epoch, journalMebibytes, inodes } = order;
  const config = join(work, 'mke2fs.conf');
  await writeFile(config, configuration);
  await writeFile(to, '');
  await truncate(to, bytes);
  const journal = journalMebibytes === 0 ? '-O ^has_journal' : `-O has_journal -J size=${journalMebibytes}`;
  // The tables are written, and not left for the kernel to do: a card had something else there.
  const extended = `hash_seed=${uuid},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`;
  const line = `mke2fs -q -F -t ext4 -m 0 -N ${inodes} ${journal} -E ${extended} -L ${label} -U ${uuid} -d "$1" "$2"`;
  const environment = {
    MKE2FS_CONFIG: config,
    E2FSPROGS_FAKE_TIME: String(epoch),
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  await asRoot(line, [from, to], work, environment);
  await settleTimes(to, epoch, work);
}

/** Of files mke2fs takes the time of modification alone from what it was given; the others are those of now. */
async function settleTimes(path: string, epoch: number, work: string): Promise<void> {
  const listing = await run('dumpe2fs', [path]);
  const commands: string[] = [];
  for (const inode of inodesInUse(listing)) {
    for (const field of ['ctime', 'atime', 'crtime'])
      commands.push(`set_inode_field <${inode}> ${field} @${epoch}`);
    for (const field of ['ctime_extra', 'atime_extra', 'crtime_extra'])
      commands.push(`set_inode_field <${inode}> ${field} 0`);
  }
  const script = join(work, `${randomUUID()}.debugfs`);
  await writeFile(script, `${commands.join('\n')}\n`);
  await run('debugfs', ['-w', '-f', script, path], { environment: { E2FSPROGS_FAKE_TIME: String(epoch) } });
  await run('e2fsck', ['-fn', path]);
}

/** Numbers of the inodes that hold something, from what dumpe2fs says: the root folder, and those after the reserved. */
function inodesInUse(listing: string): number[] {
  const count = Number(/^Inode count: +(\d+)$/m.exec(listing)?.[1]);
  const first = Number(/^First inode: +(\d+)$/m.exec(listing)?.[1]);
  if (!(count > 0 && first > 0))
    throw new Error(`dumpe2fs does not say how many inodes there are: ${listing.slice(0, 200)}`);
  const isFree = new Uint8Array(count + 1);
  for (const [, list = ''] of listing.matchAll(/^ {2}Free inodes: (.*)$/gm)) {
    for (const each of list.split(', ').filter((text) => text !== '')) {
      const [from = 0, to = from] = each.split('-').map(Number);
      isFree.fill(1, from, to + 1);
    }
  }
  const used = [2];
  for (let inode = first; inode <= count; inode += 1) if (isFree[inode] === 0) used.push(inode);
  return used;
}

/** Makes a FAT32 file system of a folder: the same folder, the same bytes. */
export async function makeFat(order: {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly signature: string;
  readonly epoch: number;
}): Promise<void> {
  const { from, to, bytes, signature, epoch } = order;
  await writeFile(to, '');
  await truncate(to, bytes);
  const environment = { SOURCE_DATE_EPOCH: String(epoch), TZ: 'UTC' };
  await run('mkfs.vfat', ['-F', '32', '-S', '512', '--invariant', '-n', 'LOADLINE', '-i', signature, to], {
    environment,
  });
  const names = (await readdir(from)).sort();
  // -m: the files' own time. -Q: stop at the first that does not go in.
  await run('mcopy', ['-m', '-Q', '-s', '-i', to, ...names.map((name) => join(from, name)), '::/'], {
    environment,
  });
}
