import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './run.ts';
import type { Entries } from './system.ts';

/** Puts entries into a folder, as they are to stand in the system. */
export async function stage(entries: Entries, folder: string): Promise<void> {
  for (const [path, entry] of entries) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true, mode: 0o755 });
    await rm(at, { force: true });
    if (entry.is === 'link') await symlink(entry.to, at);
    else await writeFile(at, entry.content, { mode: entry.mode });
  }
}

/** The fixed files of the system, as they lie in system/. */
export async function stageFixed(folder: string): Promise<void> {
  await cp(join(import.meta.dirname, 'system'), folder, { recursive: true });
}

/**
 * Makes the two trees, root/ and data/, of the base system and what was staged, and of root/ the parts that the boot
 * partition needs. As root, or under fakeroot, so that they belong to whom they should. Standard input has the script.
 *
 *     sh -eu -s BASE STAGED EPOCH
 */
const script = `
base=$1 staged=$2 epoch=$3
mkdir root
# No device nodes: the kernel brings its own.
tar -C root --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf "$base"

# For the boot partition, or for the record.
mkdir taken
mv root/boot/vmlinuz-* taken/vmlinuz
mv root/boot/initrd.img-* taken/initrd.img
mv root/var/lib/dpkg/status taken/dpkg-status
for each in usr/lib/systemd/boot/efi usr/lib/raspi-firmware; do
	if [ -e "root/$each" ]; then mv "root/$each" "taken/\${each##*/}"; fi
done
mv root/usr/lib/linux-image-* taken/device-trees
mkdir -p taken/copyright
for each in raspi-firmware systemd-boot-efi linux-image-*-arm64; do
	for file in root/usr/share/doc/$each/copyright; do
		if [ -e "$file" ]; then cp "$file" "taken/copyright/$(basename "$(dirname "$file")").txt"; fi
	done
done

# What a machine makes of itself, what only building needs, and what packages would have started.
rm -rf root/boot root/vmlinuz* root/initrd.img* root/etc/systemd/system root/etc/apt root/etc/dpkg root/etc/machine-id
rm -rf root/etc/passwd- root/etc/group- root/etc/shadow- root/etc/gshadow- root/etc/.pwd.lock root/etc/rc?.d root/etc/init.d
rm -rf root/usr/lib/udev/hwdb.bin root/usr/lib/udev/hwdb.d root/root/.[!.]*
rm -rf root/var/cache root/var/log root/var/lib/apt root/var/lib/dpkg root/var/lib/systemd root/var/lib/dbus root/var/backups
mkdir -p root/boot/firmware root/var/cache root/var/log
# What packages noted there while they were set up is of use to packages alone.
find root/var -type f -delete
find root/var -mindepth 2 -type d -empty -delete
find "$staged" -type d -exec chmod 755 {} +
find "$staged" -type f -perm -u+x -exec chmod 755 {} +
find "$staged" -type f ! -perm -u+x -exec chmod 644 {} +
cp -a --no-preserve=ownership "$staged/." root/
chmod 755 root
# Nobody needs to become somebody else: there is one user, and it is root from the beginning.
find root -xdev -type f -perm /6000 -exec chmod ug-s {} +

mv root/var data
mkdir root/var
find root data -newermt "@$epoch" -exec touch --no-dereference --date="@$epoch" {} +
`;

/** Directories that were made of a base system and what was staged. */
export interface Trees {
  readonly root: string;
  readonly data: string;
  /** Kernel, initramfs, boot loaders, device trees, and the packages' state. */
  readonly taken: string;
}

/** Runs shell commands as root, or as one that is told so. */
export async function asRoot(
  script: string,
  words: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const shell = ['sh', '-eu', '-s', ...words];
  // What one fakeroot was told, the next one knows.
  const state = join(cwd, 'owners');
  await writeFile(state, '', { flag: 'a' });
  const [program, ...rest] =
    process.getuid?.() === 0 ? shell : ['fakeroot', '-i', state, '-s', state, '--', ...shell];
  return await run(program ?? '', rest, { cwd, input: script, environment });
}

export async function makeTrees(base: string, staged: string, epoch: number, folder: string): Promise<Trees> {
  await asRoot(script, [base, staged, String(epoch)], folder);
  return { root: join(folder, 'root'), data: join(folder, 'data'), taken: join(folder, 'taken') };
}

/** Content by name of the files in a folder of text files; folders in it are left out. */
export async function textsIn(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((each) => each.isFile());
  return new Map(
    await Promise.all(
      names.map(async ({ name }) => [name, await readFile(join(folder, name), 'utf8')] as const),
    ),
  );
}
