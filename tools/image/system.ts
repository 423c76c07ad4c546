import { basename } from 'node:path';
import { type Board, type DiskIdentity, partitionId } from './boards.ts';

/** What stands at a path of the system. */
export type Entry =
  | { readonly is: 'file'; readonly content: string | Uint8Array; readonly mode: 0o644 | 0o755 }
  | { readonly is: 'link'; readonly to: string };

/** By path from the root of the file system, without a slash before it. */
export type Entries = ReadonlyMap<string, Entry>;

const units = 'etc/systemd/system';
const packaged = 'usr/lib/systemd/system';

const text = (content: string): Entry => ({ is: 'file', content, mode: 0o644 });
const link = (to: string): Entry => ({ is: 'link', to });

/** What Debian's packages and system/ bring, and this system runs: unit by what wants it. Nothing else is enabled. */
const enabled: readonly (readonly [unit: string, by: string])[] = [
  ['systemd-networkd.service', 'multi-user.target'],
  ['systemd-networkd.socket', 'sockets.target'],
  ['systemd-resolved.service', 'sysinit.target'],
  ['systemd-timesyncd.service', 'sysinit.target'],
  ['nftables.service', 'sysinit.target'],
  ['fstrim.timer', 'timers.target'],
  ['loadline-serial-number.service', 'multi-user.target'],
];

/** Names by which they are asked over D-Bus. */
const aliases = {
  resolve1: 'systemd-resolved',
  network1: 'systemd-networkd',
  timesync1: 'systemd-timesyncd',
};

/** What would ask for a name and a password, and what serves those who gave one. Nobody logs in here. */
const masked = [
  ...[
    'getty.target',
    'getty@.service',
    'serial-getty@.service',
    'console-getty.service',
    'container-getty@.service',
  ],
  ...['getty-static.service', 'autovt@.service', 'debug-shell.service', 'systemd-logind.service'],
  ...['dbus-org.freedesktop.login1.service', 'wpa_supplicant.service', 'systemd-ask-password-wall.path'],
  'systemd-ask-password-console.path',
];

/** All that the release's own units say of themselves is believed: they are those of the package. */
interface ReleaseUnit {
  readonly name: string;
  readonly content: string;
}

/**
 * The file systems of a card. The boot partition is read only: what is placed there for the gateway is taken by a program
 * that makes it writable for a moment.
 */
export function fileSystemTable(disk: DiskIdentity): string {
  const lines = [
    [partitionId(disk, 2), '/', 'ext4', 'ro,noatime', '0', '1'],
    // What is broken in it is mended by a start from the beginning, and so the kernel makes one (kernel.panic).
    [
      partitionId(disk, 3),
      '/var',
      'ext4',
      'noatime,nosuid,nodev,commit=30,errors=panic,x-systemd.growfs,x-systemd.device-timeout=300',
      '0',
      '2',
    ],
    [
      partitionId(disk, 1),
      '/boot/firmware',
      'vfat',
      'ro,nosuid,nodev,noexec,umask=0022,nofail,x-systemd.device-timeout=300',
      '0',
      '0',
    ],
    ['tmpfs', '/tmp', 'tmpfs', 'nosuid,nodev,noexec,size=64M,mode=1777', '0', '0'],
  ];
  return `${lines.map((line) => line.join(' ')).join('\n')}\n`;
}

/**
 * What is put into the system besides packages and the fixed files of system/: units of the release and what is enabled of
 * them, the board's line for provisioning, the table of file systems.
 *
 * @param packaging the release's own packaging/: content by file name
 * @throws Error where the release has no line for provisioning that could be fitted to the board
 */
export function systemEntries(
  board: Board,
  disk: DiskIdentity,
  packaging: ReadonlyMap<string, string>,
): Entries {
  const entries = new Map<string, Entry>([
    ['etc/fstab', text(fileSystemTable(disk))],
    ['etc/machine-id', text('')],
    ['etc/resolv.conf', link('../run/systemd/resolve/resolv.conf')],
    ['etc/systemd/system-generators/systemd-getty-generator', link('/dev/null')],
    [`${packaged}/loadline-gateway.service.d/provisioning.conf`, text(provisioningFor(board, packaging))],
  ]);
  const enable = (unit: string, by: string) =>
    entries.set(`${units}/${by}.wants/${unit}`, link(`/${packaged}/${unit}`));
  for (const [unit, by] of enabled) enable(unit, by);
  for (const [name, service] of Object.entries(aliases)) {
    entries.set(`${units}/dbus-org.freedesktop.${name}.service`, link(`/${packaged}/${service}.service`));
  }
  for (const unit of masked) entries.set(`${units}/${unit}`, link('/dev/null'));
  for (const unit of unitsOf(packaging)) {
    entries.set(`${packaged}/${unit.name}`, text(unit.content));
    for (const by of wantedBy(unit.content)) enable(unit.name, by);
  }
  const placed: readonly (readonly [file: string, unit: string])[] = [
    ['loadline-network-run.conf', 'loadline-network.service'],
    ['loadline-wpa-supplicant.conf', 'wpa_supplicant@.service'],
  ];
  for (const [file, unit] of placed) {
    entries.set(`${packaged}/${unit}.d/image.conf`, text(needed(packaging, file)));
  }
  return entries;
}

function unitsOf(packaging: ReadonlyMap<string, string>): ReleaseUnit[] {
  return [...packaging]
    .filter(([name]) => /\.(service|timer|path)$/.test(name))
    .map(([name, content]) => ({ name: basename(name), content }));
}

function wantedBy(unit: string): string[] {
  return [...unit.matchAll(/^WantedBy=(.*)$/gm)].flatMap(([, targets = '']) => targets.trim().split(/\s+/));
}

function needed(packaging: ReadonlyMap<string, string>, name: string): string {
  const content = packaging.get(name);
  if (content === undefined)
    throw new Error(`the release has no packaging/${name}: build it from these sources`);
  return content;
}

const modelTty = '/dev/ttyGS0';
/** Written by loadline-serial-number.service: the device tree may have none, and the firmware's tables are root's. */
const serialNumberFile = '/run/loadline/serial-number';
const modelWords = `--provision-on ${modelTty}`;

/** The release's own line, with this board's tty in it, and where its serial number is. */
function provisioningFor({ console: tty }: Board, packaging: ReadonlyMap<string, string>): string {
  const model = needed(packaging, 'loadline-provisioning.conf');
  if (model.split(modelWords).length !== 2) {
    throw new Error(
      `the release's packaging/loadline-provisioning.conf has not one '${modelWords}' that the board's tty could take the place of`,
    );
  }
  return model.replace(modelWords, `--provision-on ${tty} --serial-number ${serialNumberFile}`);
}
