/** What an image is for. */
export const boardNames = ['rpi3', 'rpi4', 'generic-arm64'] as const;
export type BoardName = (typeof boardNames)[number];

/** How a board comes from power to a kernel. */
export type BootChain =
  /** UEFI finds systemd-boot in the EFI system partition. */
  | { readonly by: 'uefi' }
  /** The GPU's own boot loader reads the FAT partition (config.txt). Its files, and the device trees of the board. */
  | {
      readonly by: 'raspberry-pi';
      readonly firmware: readonly string[];
      readonly deviceTrees: readonly string[];
    };

/** All that is different from board to board. */
export interface Board {
  readonly name: BoardName;
  readonly is: string;
  readonly boot: BootChain;
  /** The tty that it is provisioned over. No kernel message and no getty is on it. */
  readonly console: string;
  /** Debian packages of its own. */
  readonly packages: readonly string[];
}

const wireless = ['firmware-brcm80211', 'wireless-regdb'];

const boards: Readonly<Record<BoardName, Board>> = {
  rpi3: {
    name: 'rpi3',
    is: 'Raspberry Pi 3 Model B, B+, A+ and Compute Module 3',
    boot: {
      by: 'raspberry-pi',
      firmware: ['bootcode.bin', 'start.elf', 'fixup.dat'],
      deviceTrees: [
        'bcm2837-rpi-3-a-plus.dtb',
        'bcm2837-rpi-3-b.dtb',
        'bcm2837-rpi-3-b-plus.dtb',
        'bcm2837-rpi-cm3-io3.dtb',
      ],
    },
    // The mini UART on pins 8 and 10 (GPIO14, GPIO15): the other one, ttyAMA0, is wired to Bluetooth.
    console: '/dev/ttyS1',
    packages: ['raspi-firmware', ...wireless],
  },
  rpi4: {
    name: 'rpi4',
    is: 'Raspberry Pi 4 Model B, 400 and Compute Module 4',
    boot: {
      by: 'raspberry-pi',
      firmware: ['start4.elf', 'fixup4.dat'],
      deviceTrees: ['bcm2711-rpi-4-b.dtb', 'bcm2711-rpi-400.dtb', 'bcm2711-rpi-cm4-io.dtb'],
    },
    console: '/dev/ttyS1',
    packages: ['raspi-firmware', ...wireless],
  },
  'generic-arm64': {
    name: 'generic-arm64',
    is: 'a 64-bit ARM machine with UEFI, such as the one that QEMU emulates',
    boot: { by: 'uefi' },
    console: '/dev/ttyAMA0',
    packages: ['systemd-boot-efi'],
  },
};

export function boardOf(name: BoardName): Board {
  return boards[name];
}

/** What identifies the disk of an image: the signature in its partition table, by which its partitions are found. */
export interface DiskIdentity {
  /** Eight digits, hex. */
  readonly signature: string;
}

/** The name by which a partition is found wherever the card is plugged in. */
export function partitionId({ signature }: DiskIdentity, number: number): string {
  return `PARTUUID=${signature}-${String(number).padStart(2, '0')}`;
}

/** The kernel's command line. Its console is not the line that somebody provisions over. */
export function kernelLine(disk: DiskIdentity): string {
  return [
    `root=${partitionId(disk, 2)}`,
    'ro rootwait',
    'console=tty0 quiet loglevel=3',
    // What a power cut left is mended without a question; what cannot be goes on by a start from the beginning.
    'fsck.repair=yes panic=10',
  ].join(' ');
}

/** Text files of the boot partition, by path. */
export function bootFiles(board: Board, disk: DiskIdentity): ReadonlyMap<string, string> {
  const line = kernelLine(disk);
  switch (board.boot.by) {
    case 'uefi':
      return new Map([
        ['loader/loader.conf', 'default loadline.conf\ntimeout 0\neditor no\n'],
        [
          'loader/entries/loadline.conf',
          `title Loadline\nlinux /vmlinuz\ninitrd /initrd.img\noptions ${line}\n`,
        ],
      ]);
    case 'raspberry-pi':
      return new Map([
        ['cmdline.txt', `${line}\n`],
        [
          'config.txt',
          [
            'arm_64bit=1',
            '# The mini UART keeps its speed: its clock is the core clock, which this holds still.',
            'enable_uart=1',
            '# Device trees have the names that the kernel itself gives them.',
            'upstream_kernel=1',
            'kernel=vmlinuz',
            'initramfs initrd.img followkernel',
            '# No screen is needed.',
            'hdmi_ignore_hotplug=1',
            'boot_delay=0',
            'disable_splash=1',
            '',
          ].join('\n'),
        ],
      ]);
  }
}
