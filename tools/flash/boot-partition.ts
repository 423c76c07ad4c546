import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cardPath } from '@loadline/sdk/provisioning';
import { FlashFailure } from './outcome.ts';
import { headBytes } from './pieces.ts';

const run = promisify(execFile);
const sector = 512;

/** MBR partition types of FAT (0x0b, 0x0c, 0x0e, with 0x06 for small ones) and of an EFI system partition. */
const fatTypes: ReadonlySet<number> = new Set([0x06, 0x0b, 0x0c, 0x0e, 0xef]);
/** An EFI system partition in a GPT, by its type as it lies on the disk (UEFI 2.10, table 5.7). */
const espType = '28732ac11ff8d211ba4b00a0c93ec93b';
/** Basic data, which the FAT partition of a Pi with a GPT is. */
const dataType = 'a2a0d0ebe5b9334487c068b6b72699c7';

/**
 * Where the FAT partition begins that a board starts from: the first one, by MBR or GPT (UEFI 2.10, sections 5.2 and 5.3).
 *
 * @param head the first MiB of a disk
 * @returns bytes; undefined where there is none
 */
export function bootPartition(head: Buffer): number | undefined {
  const entries = [0, 1, 2, 3].map((at) => head.subarray(446 + at * 16, 446 + (at + 1) * 16));
  if (entries.some((entry) => entry[4] === 0xee)) return inGpt(head);
  const entry = entries.find((one) => fatTypes.has(one[4] ?? 0) && one.readUInt32LE(12) > 0);
  return entry === undefined ? undefined : entry.readUInt32LE(8) * sector;
}

function inGpt(head: Buffer): number | undefined {
  if (head.toString('latin1', sector, sector + 8) !== 'EFI PART') return undefined;
  const table = Number(head.readBigUInt64LE(sector + 72)) * sector;
  const count = Math.min(128, head.readUInt32LE(sector + 80));
  const size = head.readUInt32LE(sector + 84);
  if (size < 128 || !Number.isSafeInteger(table) || table + count * size > head.length) return undefined;
  const entries = Array.from({ length: count }, (_, at) =>
    head.subarray(table + at * size, table + (at + 1) * size),
  );
  const of = (type: string) => entries.find((entry) => entry.toString('hex', 0, 16) === type);
  const entry = of(espType) ?? of(dataType);
  return entry === undefined ? undefined : Number(entry.readBigUInt64LE(32)) * sector;
}

const noMtools = 'install mtools (Debian: apt-get install mtools)';

/** Whether mtools is here. @throws FlashFailure `site-refused` before anything is written */
export async function needMtools(): Promise<void> {
  await run('mcopy', ['-V']).catch((cause: Error) => {
    throw new FlashFailure(
      'site-refused',
      `mtools, which write a FAT partition, cannot be run: ${cause.message}`,
      noMtools,
      {
        cause,
      },
    );
  });
}

/** What mtools know a path and an offset in it apart by. */
const apart = '@@';

/**
 * The boot partition of a disk or file as mtools are told of it.
 *
 * @param path of the disk or file
 * @param head its first MiB, as it is going to be
 * @throws FlashFailure `site-refused` where there is none
 */
export function driveOn(path: string, head: Buffer): string {
  if (path.includes(apart)) {
    throw new FlashFailure(
      'site-refused',
      `mtools, which write a FAT partition, take the ${apart} in ${path} for the end of its name`,
      'name a file without it',
    );
  }
  const offset = bootPartition(head);
  if (offset === undefined || offset < headBytes) {
    throw new FlashFailure(
      'site-refused',
      offset === undefined
        ? 'the image has no FAT partition to place the site in'
        : `the FAT partition of the image begins at byte ${offset}, within the first MiB`,
      'take an image that loadline image build has made, or leave --config out and provision over a serial line',
    );
  }
  return `${path}${apart}${offset}`;
}

/**
 * Puts a site into the boot partition of what was written, and reads it back from there.
 *
 * @param drive as `driveOn` says it
 * @throws FlashFailure `site-refused`; what `look` throws
 */
export async function placeSite(
  drive: string,
  text: string,
  disk: {
    /** Has what was written put on the disk, and the page cache forget it. */
    readonly flush: () => Promise<void>;
    /** Looks at the disk itself, where mtools failed: they do not say that it was unplugged. */
    readonly look: () => Promise<void>;
  },
): Promise<void> {
  const [folder = ''] = cardPath.split('/');
  const tool = async (program: string, words: string[], input?: string): Promise<string> => {
    try {
      const running = run(program, ['-i', drive, ...words], { encoding: 'utf8', maxBuffer: 4 * 1024 * 1024 });
      running.child.stdin?.end(input);
      return (await running).stdout;
    } catch (cause) {
      await disk.look();
      const { stderr = '', message } = cause as { stderr?: string; message: string };
      throw new FlashFailure(
        'site-refused',
        `${program} cannot write the boot partition: ${stderr.trim() || message}`,
        'take another image or card: this one does not start',
        { cause },
      );
    }
  };
  const listed = await tool('mdir', ['-b', '::']);
  if (!new RegExp(`^::/${folder}/?$`, 'im').test(listed)) await tool('mmd', [`::${folder}`]);
  await tool('mcopy', ['-o', '-', `::${cardPath}`], text);
  await disk.flush();
  const back = await tool('mcopy', [`::${cardPath}`, '-']);
  if (back === text) return;
  throw new FlashFailure(
    'not-verified',
    'the site that was placed in the boot partition reads back as something else',
    'take another card: this one does not start',
  );
}

/** Has the page cache of a disk forget what it has (BLKFLSBUF): what is read next comes from the disk. */
export async function forgetCache(path: string): Promise<void> {
  await run('blockdev', ['--flushbufs', path]);
}
