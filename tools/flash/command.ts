import { ConfigError } from '@loadline/sdk/toml';
import { Command } from 'commander';
import { CalledWrongly } from '../cloud/outcome.ts';
import { ProvisionFailure } from '../provision/outcome.ts';
import { lineOptions } from '../provision/run.ts';
import { driveOn, forgetCache, needMtools, placeSite } from './boot-partition.ts';
import { type Card, cardFor } from './card.ts';
import { askDisk, askItsName, type Destination, destinationOf, isSame, mustBeAnother } from './choose.ts';
import { readDisks, removable } from './disks.ts';
import type { Report, ResultEvent } from './events.ts';
import { findImage } from './image.ts';
import { FlashFailure, type Outcome, outcomes } from './outcome.ts';
import { alignedBuffer } from './pieces.ts';
import { openReleaseFolder } from './repository.ts';
import { flashSerial } from './serial.ts';
import { humanReport, jsonReport } from './show.ts';
import { openDisk, openFile, type Target } from './target.ts';
import { type Use, useOf } from './use.ts';
import { type Place, writeImage } from './write.ts';

interface Flags {
  readonly image?: string;
  readonly to?: string;
  readonly config?: string;
  readonly kit?: string;
  readonly serial: boolean;
  readonly release?: string;
  readonly releaseVersion?: string;
  readonly port: readonly string[];
  readonly baud: number;
  /** Seconds. */
  readonly wait: number;
  readonly yesWrite?: string;
  readonly json: boolean;
}

const codes = Object.entries(outcomes).map(([name, { code }]) => `${code} ${name}`);

const help = `
Without --image it lists the removable disks that are here, and what is on them.

  loadline flash                                             which disks are here
  loadline flash --image loadline.img.zst                    asks which disk, and for its name
  sudo loadline flash --image loadline.img.zst --to /dev/sdb
  loadline flash --image loadline.img.zst --to card.img      to a file, on any system
  loadline flash --image loadline.img.zst --config site.toml --kit kit.json       the card knows what it is to become
  loadline flash --serial --port /dev/ttyACM0 --release dist/releases             no card: a release by cable
  loadline flash --image loadline.img.zst --to /dev/sdb --yes-write sdb --json    asks nothing; a line of JSON an event

The image is .img, .img.zst, .img.xz or .img.gz. Where its block map (.bmap) lies beside it only the blocks that hold something
are written. Nothing is written to a disk that is mounted, in use, built in, or no whole disk. What was written is
read back past the page cache; the partition table is written last, so that a card that was not written to its end does not start.
Before, the disk has to show that it holds as much as it says.

Exit codes: ${codes.join(', ')}.
All of it: docs/flashing.md`;

/** `loadline flash`. */
export function flashCommand(): Command {
  const command = new Command('flash')
    .description(
      'write an image to a card, and read it back; or bring a release to a gateway over a serial line',
    )
    .option('--image <file>', 'what is written: .img, .img.zst, .img.xz, .img.gz')
    .option('--to <disk|file>', 'where: a whole disk such as /dev/sdb, or a file; default: a question')
    .option('--config <site.toml>', 'what the gateway is to become: placed in the boot partition; with --kit')
    .option('--kit <kit.json>', 'of loadline provision prepare: voucher and one-time secret for its board')
    .option('--yes-write <name>', "the disk's name, as it would be typed (sdb): for scripts")
    .option('--serial', 'no card: a signed release to a gateway over a serial line', false)
    .option('--release <folder>', 'with --serial: the repository of signed releases (loadline release)')
    .option('--release-version <version>', 'with --serial: which of it; default: the newest');
  return lineOptions(command)
    .addHelpText('after', help)
    .action((flags: Flags) => attempt(flags, command));
}

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

async function attempt(flags: Flags, command: Command): Promise<void> {
  const report = flags.json ? jsonReport(out) : humanReport(err, out, process.stderr.isTTY === true);
  let use: Use;
  try {
    use = useOf(command, flags.serial);
    if (use === 'list') {
      report({ event: 'disks', disks: removable(await readDisks()) });
      return;
    }
  } catch (error) {
    conclude(report, failure(error, null));
    return;
  }
  const interrupted = untilInterrupted(use === 'line' ? theLine : theCard);
  try {
    const work = use === 'line' ? overTheLine : flash;
    conclude(report, await work(flags, report, interrupted.signal));
  } catch (error) {
    const { aborted, reason } = interrupted.signal;
    conclude(report, failure(aborted ? reason : error, flags.to ?? null));
  } finally {
    interrupted.end();
  }
}

function conclude(report: Report, result: ResultEvent): void {
  report(result);
  process.exitCode = result.exitCode;
}

/** What an interruption leaves. */
const theCard = {
  says: 'the card is incomplete, has no partition table, and does not start',
  act: 'write it again from the beginning',
};
const theLine = {
  says: 'the gateway goes on with what it runs',
  act: 'call again: what came is kept there, and is not sent again',
};

/** Ctrl-C, or an order to end: what is under way is ended in order, and said to be incomplete. */
function untilInterrupted({ says, act }: { readonly says: string; readonly act: string }): {
  readonly signal: AbortSignal;
  end(): void;
} {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const stop = (name: NodeJS.Signals) => {
    // A second one means: now. The partition table is not on the disk in any case.
    if (controller.signal.aborted) process.exit(outcomes.interrupted.code);
    controller.abort(new FlashFailure('interrupted', `interrupted (${name}): ${says}`, act));
  };
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    end: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}

async function flash(flags: Flags, report: Report, signal: AbortSignal): Promise<ResultEvent> {
  if (flags.image === undefined) throw new CalledWrongly('--image says what is to be written');
  const image = await findImage(flags.image);
  report({
    event: 'image',
    path: image.path,
    blockMap: image.mapPath ?? null,
    imageBytes: image.imageBytes ?? null,
    mappedBytes: image.map?.mappedBytes ?? null,
  });
  const card = await cardOf(flags);
  const to = flags.to ?? (await askDisk(!flags.json));
  const destination = await destinationOf(to, image.imageBytes);
  const { config, kit } = flags;
  await mustBeAnother(
    destination,
    [image.path, image.mapPath, config, kit].filter((path) => path !== undefined),
  );
  await askItsName(destination, flags.yesWrite);
  signal.throwIfAborted();
  const began = performance.now();
  const target = await opened(destination, image.imageBytes);
  let isWhole = false;
  try {
    const bytesWritten = await writeImage({
      image,
      target,
      report,
      signal,
      monotonic: () => performance.now(),
      ...(card && { place: placeOf(card, destination, target) }),
    });
    isWhole = true;
    return {
      ...noResult,
      result: 'written',
      exitCode: outcomes.written.code,
      to: target.name,
      bytesWritten,
      seconds: Math.round(performance.now() - began) / 1000,
      readBack: target.readBack,
      site: card?.gatewayId ?? null,
      act: destination.kind === 'disk' ? 'take the card out now' : null,
    };
  } finally {
    await target.close();
    if (!isWhole) {
      await target.abandon();
      if (destination.kind === 'file') report({ event: 'note', says: `${destination.path} is removed` });
    }
  }
}

/** What is to lie in the boot partition besides the image; undefined where nothing is. Before anything is written. */
async function cardOf({ config, kit }: Flags): Promise<Card | undefined> {
  if (config === undefined && kit === undefined) return undefined;
  if (config === undefined || kit === undefined) {
    throw new CalledWrongly(
      '--config and --kit go together: loadline provision prepare makes a kit, with a voucher for the board',
    );
  }
  await needMtools();
  return await cardFor(config, kit, Date.now());
}

function placeOf({ gatewayId, serialNumber, text }: Card, destination: Destination, target: Target): Place {
  const path = destination.kind === 'disk' ? destination.disk.path : destination.path;
  return {
    check: (head) => void driveOn(path, head),
    put: async (head) => {
      await placeSite(driveOn(path, head), text, {
        flush: async () => {
          await target.sync();
          if (destination.kind === 'disk') await forgetCache(path);
        },
        look: async () => void (await target.read(0, alignedBuffer(4096))),
      });
      return `the board ${serialNumber} becomes ${gatewayId} by it, and no other board does`;
    },
  };
}

/** A release to a gateway that is connected. */
async function overTheLine(flags: Flags, report: Report, signal: AbortSignal): Promise<ResultEvent> {
  const { release: folder, releaseVersion, port: ports, baud, wait } = flags;
  if (folder === undefined) throw new CalledWrongly('--release says which: a folder of signed releases');
  const began = performance.now();
  const { release, serialNumber } = await flashSerial({
    ports,
    baud,
    patience: wait * 1000,
    repository: await openReleaseFolder(folder),
    release: releaseVersion,
    report,
    signal,
    monotonic: () => performance.now(),
  });
  return {
    ...noResult,
    result: 'confirmed',
    exitCode: outcomes.confirmed.code,
    release,
    serialNumber,
    seconds: Math.round(performance.now() - began) / 1000,
  };
}

/** Opens what was asked about, and looks again whether it still is that. */
async function opened(destination: Destination, neededBytes: number | undefined): Promise<Target> {
  if (destination.kind === 'file') return await openFile(destination.path);
  const { disk } = destination;
  const now = await destinationOf(disk.path, neededBytes);
  if (now.kind !== 'disk' || !isSame(disk, now.disk)) {
    throw new FlashFailure(
      'disk-refused',
      `${disk.name} is another disk than a moment ago`,
      'look at the list again: loadline flash',
    );
  }
  return await openDisk(disk.path, disk.bytes);
}

const noResult = {
  event: 'result',
  to: null,
  bytesWritten: null,
  seconds: null,
  readBack: null,
  site: null,
  release: null,
  serialNumber: null,
  says: null,
  act: null,
} as const;

/** How it ended that did not come to its end. */
function failure(error: unknown, to: string | null): ResultEvent {
  const { outcome, act } = judged(error);
  return {
    ...noResult,
    result: outcome,
    exitCode: outcomes[outcome].code,
    to,
    says: (error as Error).message,
    act,
  };
}

function judged(error: unknown): { readonly outcome: Outcome; readonly act: string } {
  if (error instanceof FlashFailure) return error;
  if (error instanceof CalledWrongly)
    return { outcome: 'called-wrongly', act: 'loadline flash --help says how it is called' };
  if (error instanceof ConfigError)
    return { outcome: 'site-refused', act: 'correct it; docs/provisioning.md has every key' };
  if (error instanceof ProvisionFailure) return { outcome: 'site-refused', act: error.act };
  return { outcome: 'failed', act: 'try again' };
}
