/** Programs that images are made and tried with, and the Debian packages that bring them. */
export const programs: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'qemu-aarch64-static': 'qemu-user-static',
  'arch-test': 'arch-test',
  newuidmap: 'uidmap',
  fakeroot: 'fakeroot',
  sfdisk: 'fdisk',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  mdir: 'mtools',
  bmaptool: 'bmap-tools',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-img': 'qemu-utils',
  dnsmasq: 'dnsmasq-base',
  nft: 'nftables',
  'systemd-nspawn': 'systemd-container',
  ip: 'iproute2',
};

/** Packages that bring no program of the above. */
const others: readonly string[] = ['qemu-efi-aarch64', 'debian-archive-keyring'];

export const debianPackages: readonly string[] = [...new Set([...Object.values(programs), ...others])].sort();
