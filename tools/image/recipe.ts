import { createHash } from 'node:crypto';
import type { Board } from './boards.ts';

/** The Debian that images are made of. */
export const suite = 'bookworm';
export const architecture = 'arm64';

/** Everything that the base system depends on, besides the archive itself: two that are equal give one base system. */
export interface Recipe {
  readonly suite: string;
  /** Packages asked for; Debian's essential ones and what all of them depend on come too. */
  readonly packages: readonly string[];
  /** What of packages is not unpacked (dpkg's path-exclude and path-include, the last that matches counts). */
  readonly filters: readonly string[];
  /** Modules that the initramfs loads on its own. */
  readonly modules: readonly string[];
  /** Of the initramfs: content by path in the system. */
  readonly initramfs: Readonly<Record<string, string>>;
  /** Seconds since 1970: what is newer gets this time. */
  readonly epoch: number;
}

const packages = [
  // init, its helpers, and the network as the gateway's own tools configure it.
  ...[
    'systemd',
    'systemd-sysv',
    'systemd-resolved',
    'systemd-timesyncd',
    'libnss-systemd',
    'dbus',
    'udev',
    'kmod',
  ],
  ...['nftables', 'wpasupplicant', 'iproute2', 'usr-is-merged'],
  // The card: its partitions, its file systems.
  ...['fdisk', 'e2fsprogs', 'dosfstools'],
  ...['linux-image-arm64', 'initramfs-tools', 'busybox', 'zstd'],
  // What Node's binary and the USB base stations need.
  ...['libstdc++6', 'libusb-1.0-0'],
];

const exclude = (path: string) => `path-exclude=${path}`;
const include = (path: string) => `path-include=${path}`;
const kernelPart = (part: string) => `/lib/modules/*/kernel/${part}`;

/** Half of the kernel is drivers for what no gateway has. Network: what the boards have, USB adapters, usual chips. */
const filters = [
  ...['doc', 'man', 'locale', 'info', 'lintian', 'bash-completion'].map((each) =>
    exclude(`/usr/share/${each}/*`),
  ),
  include('/usr/share/doc/*/copyright'),
  ...['sound', 'drivers/gpu', 'drivers/media', 'drivers/infiniband', 'drivers/iio', 'drivers/staging'],
  ...['drivers/target', 'drivers/ata', 'drivers/md', 'drivers/mtd', 'drivers/scsi', 'drivers/bluetooth'],
  ...['drivers/hwtracing', 'drivers/vfio', 'drivers/vhost', 'drivers/xen', 'drivers/hv', 'drivers/atm'],
  ...[
    'drivers/isdn',
    'drivers/message',
    'drivers/nvdimm',
    'drivers/soundwire',
    'drivers/firewire',
    'drivers/video',
  ],
  ...[
    'drivers/net/ethernet',
    'drivers/net/wireless',
    'drivers/net/can',
    'drivers/net/dsa',
    'drivers/net/wwan',
  ],
  ...['drivers/net/ieee802154', 'drivers/net/fddi', 'drivers/net/hamradio', 'drivers/crypto', 'drivers/nfc'],
  ...[
    'fs/xfs',
    'fs/smb',
    'fs/ocfs2',
    'fs/nfs',
    'fs/nfsd',
    'fs/btrfs',
    'fs/f2fs',
    'fs/gfs2',
    'fs/ceph',
    'fs/afs',
  ],
  ...['fs/ubifs', 'fs/reiserfs', 'fs/jfs', 'fs/nilfs2', 'fs/dlm', 'fs/jffs2', 'fs/orangefs', 'fs/lockd'],
  ...[
    'net/bluetooth',
    'net/sunrpc',
    'net/ceph',
    'net/batman-adv',
    'net/tipc',
    'net/sctp',
    'net/rxrpc',
    'net/smc',
  ],
  ...[
    'net/dccp',
    'net/rds',
    'net/openvswitch',
    'net/nfc',
    'net/dsa',
    'net/9p',
    'net/bridge',
    'net/netfilter/ipvs',
  ],
  ...['net/netfilter/ipset', 'lib/test_bpf.ko'],
]
  .map((each) =>
    each.startsWith('path-') ? each : exclude(kernelPart(each.endsWith('.ko') ? each : `${each}/*`)),
  )
  .concat(
    ['scsi_mod.ko', 'scsi_common.ko', 'sd_mod.ko'].map((each) => include(kernelPart(`drivers/scsi/${each}`))),
    [
      'broadcom/genet',
      'realtek',
      'intel/e1000',
      'intel/e1000e',
      'intel/igb',
      'intel/igc',
      'stmicro',
      'marvell/mvneta*',
    ].map((each) => include(kernelPart(`drivers/net/ethernet/${each}${each.endsWith('*') ? '' : '/*'}`))),
    [include(kernelPart('drivers/net/wireless/broadcom/brcm80211/*'))],
  );

const modules = [
  ...['ext4', 'vfat', 'nls_cp437', 'nls_ascii'],
  // Cards of the Pis, sticks, and the disks of virtual machines.
  ...['mmc_block', 'sdhci-iproc', 'bcm2835', 'usb-storage', 'uas', 'sd_mod', 'nvme'],
  ...[
    'xhci-pci',
    'xhci-hcd',
    'dwc2',
    'pcie-brcmstb',
    'reset-raspberrypi',
    'raspberrypi-power',
    'bcm2835-power',
  ],
  ...[
    'phy-generic',
    'i2c-bcm2835',
    'clk-raspberrypi',
    'virtio_blk',
    'virtio_pci',
    'virtio_mmio',
    'virtio_scsi',
  ],
];

/** 2026-01-01: any time would do that is before every build. */
const epoch = Date.UTC(2026, 0, 1) / 1000;

/**
 * The base system of a board.
 *
 * @param hooks the initramfs' own scripts: content by name in the folder initramfs/
 */
export function recipeOf(board: Board, hooks: Readonly<Record<'hook' | 'loadline-grow', string>>): Recipe {
  return {
    suite,
    packages: [...packages, ...board.packages].sort(),
    filters,
    modules,
    initramfs: {
      '/etc/initramfs-tools/conf.d/loadline': 'MODULES=list\nCOMPRESS=zstd\nFSTYPE=ext4\n',
      '/usr/share/initramfs-tools/modules.d/loadline': `${modules.join('\n')}\n`,
      '/usr/share/initramfs-tools/hooks/loadline': hooks.hook,
      '/usr/share/initramfs-tools/scripts/local-premount/loadline-grow': hooks['loadline-grow'],
    },
    epoch,
  };
}

/** What a base system is kept under: its recipe, and the versions that the archive has of what it asks for. */
export function keyOf(recipe: Recipe, versions: readonly string[]): string {
  const text = JSON.stringify([recipe, [...versions].sort()]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * What mmdebstrap is called with; sources come to its standard input.
 *
 * @param folders `skeleton` has the initramfs' files by their paths, `packages` the downloaded packages
 */
export function mmdebstrapWords(
  recipe: Recipe,
  folders: { readonly skeleton: string; readonly packages: string },
  out: string,
): string[] {
  return [
    '--mode=auto',
    `--architectures=${architecture}`,
    '--variant=essential',
    '--format=tar',
    ...['APT::Install-Recommends "false"', 'Acquire::Languages "none"'].map((each) => `--aptopt=${each}`),
    // Half a base system is thrown away: none of it has to outlive a power cut.
    '--dpkgopt=force-unsafe-io',
    ...recipe.filters.map((each) => `--dpkgopt=${each}`),
    `--include=${recipe.packages.join(',')}`,
    // Merged /usr from the beginning: the package that merges it later brings all of perl.
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    '--setup-hook=mkdir -p "$1"/var/cache/apt/archives',
    `--setup-hook=sync-in ${folders.packages} /var/cache/apt/archives`,
    `--setup-hook=sync-in ${folders.skeleton} /`,
    '--skip=download/empty',
    recipe.suite,
    out,
    '-',
  ];
}
