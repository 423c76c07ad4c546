import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';
import { FlashFailure } from './outcome.ts';

const run = promisify(execFile);

/** What there is on a disk, or on what is on it. */
export interface Part {
  readonly name: string;
  readonly bytes: number;
  /** `part`, `crypt`, `lvm`, `raid1`, … as lsblk says it. */
  readonly type: string;
  readonly fileSystem: string | null;
  readonly label: string | null;
  readonly mountedAt: readonly string[];
}

export interface Disk {
  /** The kernel's name, such as `sdb`: what has to be typed. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** `disk` or `loop`; other types are what lies on one. */
  readonly type: string;
  readonly model: string | null;
  readonly serial: string | null;
  /** `usb`, `mmc`, `sata`, …; null where the kernel does not say. */
  readonly bus: string | null;
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  readonly fileSystem: string | null;
  readonly mountedAt: readonly string[];
  /** Whatever lies on it, at any depth. */
  readonly parts: readonly Part[];
}

const columns =
  'NAME,PATH,SIZE,TYPE,RM,HOTPLUG,RO,MODEL,VENDOR,SERIAL,TRAN,FSTYPE,LABEL,MOUNTPOINTS,SUBSYSTEMS';

interface Listed extends z.output<typeof listedOne> {
  readonly children?: readonly Listed[] | undefined;
}

const word = z.string().nullable();
const listedOne = z.object({
  name: z.string(),
  path: z.string(),
  size: z.number().nullable(),
  type: z.string(),
  rm: z.boolean(),
  hotplug: z.boolean(),
  ro: z.boolean(),
  model: word,
  vendor: word,
  serial: word,
  tran: word,
  fstype: word,
  label: word,
  mountpoints: z.array(word),
  subsystems: word,
});
const listed: z.ZodType<Listed> = listedOne.extend({
  children: z.lazy(() => z.array(listed)).optional(),
});
const listing = z.object({ blockdevices: z.array(listed) });

/** What lsblk says of all disks, and partitions by the disk that they are on. @throws FlashFailure where it says nothing */
export async function readDisks(): Promise<Disk[]> {
  if (process.platform !== 'linux') throw notHere();
  let said: string;
  try {
    said = (await run('lsblk', ['--json', '--bytes', '--output', columns], { maxBuffer: 16 * 1024 * 1024 }))
      .stdout;
  } catch (cause) {
    throw new FlashFailure(
      'failed',
      `disks cannot be listed: ${(cause as Error).message.trim()}`,
      'lsblk of util-linux 2.37 or later is needed',
      { cause },
    );
  }
  return disksIn(said);
}

/** Pure: the disks in what `lsblk --json` says. @throws ZodError, SyntaxError where it is no such thing */
export function disksIn(said: string): Disk[] {
  return listing.parse(JSON.parse(said)).blockdevices.map((one) => ({
    name: one.name,
    path: one.path,
    bytes: one.size ?? 0,
    type: one.type,
    model: [one.vendor, one.model].flatMap((text) => text?.trim() || []).join(' ') || null,
    serial: one.serial?.trim() || null,
    bus: one.tran ?? one.subsystems?.split(':').find((bus) => bus === 'mmc' || bus === 'usb') ?? null,
    isRemovable: one.rm || one.hotplug,
    isReadOnly: one.ro,
    fileSystem: one.fstype,
    mountedAt: mounted(one),
    parts: below(one),
  }));
}

const mounted = ({ mountpoints }: Listed) => mountpoints.flatMap((path) => (path === null ? [] : [path]));

function below({ children = [] }: Listed): Part[] {
  return children.flatMap((one) => [
    {
      name: one.name,
      bytes: one.size ?? 0,
      type: one.type,
      fileSystem: one.fstype,
      label: one.label,
      mountedAt: mounted(one),
    },
    ...below(one),
  ]);
}

/** Disks that one may want to write to. */
export function removable(disks: readonly Disk[]): Disk[] {
  return disks.filter(({ type, isRemovable, bytes }) => type === 'disk' && isRemovable && bytes > 0);
}

/** Where the running system has what it needs. */
const ofTheSystem = /^\/(?:boot|usr|var|etc|home|opt)?(?:\/(?:efi|firmware))?$/;

/**
 * Why a disk is not one to write to; undefined where it is one. A loop device is a file, and taken where it is named.
 *
 * @param holders of the kernel: what stands on the disk or its partitions, such as `dm-0`, `md0`
 * @param neededBytes of the image; undefined where only its end tells
 */
export function faultOf(
  disk: Disk,
  holders: readonly string[],
  neededBytes: number | undefined,
): { readonly says: string; readonly act: string } | undefined {
  const { name, type, bytes, isReadOnly, isRemovable, parts } = disk;
  const mounts = [disk, ...parts].flatMap(({ name: on, mountedAt }) => mountedAt.map((at) => ({ on, at })));
  const system = mounts.find(({ at }) => ofTheSystem.test(at));
  if (system !== undefined) {
    return {
      says: `${name} holds the running system (${system.on} is ${system.at})`,
      act: 'name another disk',
    };
  }
  const swap = mounts.find(({ at }) => at === '[SWAP]');
  if (swap !== undefined) return { says: `${swap.on} is in use as swap`, act: `swapoff /dev/${swap.on}` };
  const [mount] = mounts;
  if (mount !== undefined) {
    return { says: `${mount.on} is mounted at ${mount.at}`, act: `umount ${mount.at}, and call again` };
  }
  const stacked = parts.find((part) => part.type !== 'part');
  const holder = stacked?.name ?? holders[0];
  if (holder !== undefined) {
    const what = stacked === undefined ? '' : ` (${stacked.type})`;
    return {
      says: `${name} is in use: ${holder}${what} is on it`,
      act: 'take that down, or name another disk',
    };
  }
  if (type !== 'disk' && type !== 'loop') {
    return {
      says: `${name} is of type ${type}, and not a whole disk`,
      act: 'name the disk, such as /dev/sdb',
    };
  }
  if (bytes === 0) return { says: `there is no card in ${name}`, act: 'put one in' };
  if (type === 'disk' && !isRemovable) {
    return {
      says: `${name} is built into this machine`,
      act: 'name a removable disk: loadline flash lists them',
    };
  }
  if (isReadOnly) return { says: `${name} is read-only`, act: 'look at the lock on the side of the card' };
  if (neededBytes !== undefined && neededBytes > bytes) {
    return { says: `${name} has ${bytes} bytes, and the image ${neededBytes}`, act: 'take a larger card' };
  }
  return undefined;
}

export function notHere(): FlashFailure {
  return new FlashFailure(
    'called-wrongly',
    'disks are written on Linux only; on this system loadline flash writes to a file',
    'write to a file (--to card.img), and that to the card by a program for it: Raspberry Pi Imager, balenaEtcher',
  );
}
