import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askChoice, askText, canAsk } from '../cloud/prompts.ts';
import { type Disk, faultOf, notHere, readDisks, removable } from './disks.ts';
import { FlashFailure } from './outcome.ts';
import { bytesText } from './progress.ts';
import { contentOf, disksTable } from './show.ts';

/** Where an image goes. */
export type Destination =
  | { readonly kind: 'disk'; readonly disk: Disk }
  | { readonly kind: 'file'; readonly path: string; readonly isThere: boolean };

/** What is a disk's place, whether or not there is one: no file is ever made there. */
const placeOfDevices = /^(?:\/dev\/|\\\\[.?]\\)/;

/**
 * What `--to` names; nothing is touched.
 *
 * @throws FlashFailure `disk-refused` where it is none to write to
 */
export async function destinationOf(to: string, neededBytes: number | undefined): Promise<Destination> {
  const path = await realpath(to).catch(() => resolve(to));
  const stats = await stat(path).catch(() => undefined);
  const isOfDevices = placeOfDevices.test(to) || placeOfDevices.test(path);
  if (process.platform !== 'linux' && (isOfDevices || stats?.isBlockDevice())) throw notHere();
  if (stats === undefined && isOfDevices) {
    throw new FlashFailure(
      'disk-refused',
      `there is no ${to}`,
      'loadline flash lists the disks that there are',
    );
  }
  if (stats?.isBlockDevice()) return { kind: 'disk', disk: await judged(path, neededBytes) };
  if (stats === undefined) await mustBeNoDisksName(to);
  if (stats !== undefined && (!stats.isFile() || isOfDevices)) {
    throw new FlashFailure('disk-refused', `${to} is neither a disk nor a file`, 'name a disk, or a file');
  }
  return { kind: 'file', path, isThere: stats !== undefined };
}

/**
 * `sdb` stands in the list of disks: who says it as it stands there means the disk, and a file of that name would be taken for
 * a card that is written.
 */
async function mustBeNoDisksName(to: string): Promise<void> {
  if (process.platform !== 'linux' || to.includes('/')) return;
  // Where disks cannot be listed none was seen in a list.
  const disks = await readDisks().catch(() => []);
  if (!disks.some(({ name, parts }) => [name, ...parts.map((part) => part.name)].includes(to))) return;
  throw new CalledWrongly(
    `${to} is the name of a disk: say --to /dev/${to}, or --to ./${to} for a file of that name`,
  );
}

/**
 * Sees that the file which is written is none of those that are read: it would be emptied before its first byte was read.
 *
 * @throws CalledWrongly
 */
export async function mustBeAnother(destination: Destination, read: readonly string[]): Promise<void> {
  if (destination.kind === 'disk' || !destination.isThere) return;
  const { dev, ino } = await stat(destination.path);
  for (const path of read) {
    const other = await stat(path);
    if (other.dev === dev && other.ino === ino)
      throw new CalledWrongly(
        `${destination.path} is ${path}, from which it would be written: name another file`,
      );
  }
}

/** The disk of a path, where it is one to write to. */
async function judged(path: string, neededBytes: number | undefined): Promise<Disk> {
  const disks = await readDisks();
  const name = basename(path);
  const disk = disks.find((one) => one.path === path || one.name === name);
  if (disk === undefined) {
    const under = disks.find(({ parts }) => parts.some((part) => part.name === name));
    throw under === undefined
      ? new FlashFailure('disk-refused', `${path} is in no list of disks`, 'loadline flash lists them')
      : new FlashFailure(
          'disk-refused',
          `${path} is a part of the disk ${under.name}, and an image is for a whole one`,
          `name the disk: ${under.path}`,
        );
  }
  const fault = faultOf(disk, await holdersOf(disk), neededBytes);
  if (fault !== undefined) throw new FlashFailure('disk-refused', fault.says, fault.act);
  return disk;
}

/** What stands on a disk and its partitions, by the kernel's word. */
async function holdersOf({ name, parts }: Disk): Promise<string[]> {
  const names = [name, ...parts.map((part) => part.name)];
  const folders = names.map((one) => `/sys/class/block/${one}/holders`);
  return (await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))).flat();
}

/** Asks which of the removable disks is meant. @throws CalledWrongly where there is nobody to ask, or nothing to choose */
export async function askDisk(isAsking: boolean): Promise<string> {
  const disks = removable(await readDisks());
  if (!isAsking || !canAsk()) {
    throw new CalledWrongly(`--to says where: a disk, or a file\n${disksTable(disks)}`);
  }
  if (disks.length === 0) throw new CalledWrongly(disksTable(disks));
  return await askChoice(
    'Which disk? All that is on it will be gone',
    disks.map((disk) => ({
      value: disk.path,
      label: `${disk.name}  ${bytesText(disk.bytes)}  ${disk.bus ?? ''}  ${disk.model ?? ''}  ${contentOf(disk)}`,
    })),
  );
}

/** The name that has to be said of what is about to be lost; undefined where nothing is. */
function nameOf(destination: Destination): string | undefined {
  if (destination.kind === 'disk') return destination.disk.name;
  return destination.isThere ? basename(destination.path) : undefined;
}

/**
 * Has its name said, typed or by `--yes-write`, before anything is written.
 *
 * @throws CalledWrongly where another was said
 */
export async function askItsName(destination: Destination, said: string | undefined): Promise<void> {
  const name = nameOf(destination);
  if (name === undefined) return;
  const what =
    destination.kind === 'file'
      ? `the file ${destination.path}`
      : `${name} (${[bytesText(destination.disk.bytes), destination.disk.bus, destination.disk.model].filter(Boolean).join(', ')}; on it: ${contentOf(destination.disk)})`;
  if (said === undefined && !canAsk()) {
    throw new CalledWrongly(
      `all of ${what} would be lost, and nobody is here to ask: --yes-write ${asWord(name)} says yes`,
    );
  }
  const answer = said ?? (await askText(`All of ${what} will be lost. Type its name, ${name}, to go on`));
  if (answer.trim() === name) return;
  throw new CalledWrongly(`${answer} is not ${name}: nothing was written`);
}

/** As a shell takes it for one word. */
const asWord = (name: string) => (/^[\w.:@%+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

/** Whether the disk is the one that was shown: a card may be changed while somebody thinks. */
export function isSame(before: Disk, now: Disk): boolean {
  return (
    before.name === now.name &&
    before.bytes === now.bytes &&
    before.model === now.model &&
    before.serial === now.serial
  );
}
