import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { ownVersion } from '../version.ts';
import { type BoardName, boardNames, boardOf } from './boards.ts';
import { buildImage, type Order } from './build.ts';
import { installDependencies } from './deps.ts';
import { readInputs } from './inputs.ts';
import { planOf } from './plan.ts';
import { endRunning } from './run.ts';
import { stepsTo } from './steps.ts';

interface Flags {
  readonly board: BoardName;
  readonly release?: string;
  readonly maker: string;
  readonly releasesRoot?: string;
  readonly neverUpdates: boolean;
  readonly out?: string;
  readonly cache: string;
  readonly offline: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `loadline image`: what a card is written with. */
export function imageCommand(): Command {
  return new Command('image')
    .description('build the image of a gateway: Debian, a release, and nothing that waits for anybody')
    .addCommand(build())
    .addCommand(deps());
}

function build(): Command {
  return new Command('build')
    .description('build an image for a board')
    .addOption(new Option('--board <board>', 'what it is for').choices(boardNames).makeOptionMandatory())
    .option(
      '--release <dir>',
      "the folder that 'loadline release build --target linux-arm64' made (default: that of this version, in dist/release of the checkout)",
      path,
    )
    .requiredOption('--maker <file>', 'the authority whose vouchers its gateways take an owner by, PEM', path)
    .option('--releases-root <file>', 'root.json of the repository that they update from', path)
    .addOption(
      new Option(
        '--never-updates',
        'instead of --releases-root: they take no update, ever, and each mend of the software is a new card',
      )
        .default(false)
        .conflicts('releasesRoot'),
    )
    .option(
      '--out <file>',
      'ends in .img, or in .img.zst to be packed (default: dist/image/loadline-<version>-<board>.img.zst)',
      imagePath,
    )
    .option('--cache <dir>', 'where packages and base systems are kept', path, cacheFolder())
    .option('--offline', 'take the newest base system that is kept, and ask no mirror', false)
    .option('--dry-run', 'say what would be built of what, and end', false)
    .option('--json', 'one line of JSON on standard output; progress is on standard error', false)
    .addHelpText('after', help)
    .action((flags: Flags) => attempt('image build', () => act(flags)));
}

const help = `
  loadline release build --target linux-arm64
  loadline image build --board rpi4 --maker maker.pem --releases-root root.json

Boards: ${boardNames.map((name) => `${name} (${boardOf(name).is})`).join(', ')}.
Beside the image are its block map (.img.bmap), what it is made of (.manifest.json, .sbom.cdx.json) and its digest (.sha256).
It needs Debian packages ('npm run image:deps', as root), and no root itself. The first build downloads 150 MB and takes some
minutes, since packages are set up by an emulated processor; later ones take the base system that is kept.
Exit codes: 0 done, 1 failed, 2 called wrongly.`;

async function act(flags: Flags): Promise<void> {
  if (!import.meta.url.endsWith('.ts')) {
    throw new CalledWrongly(
      "an image is built from a checkout of the sources, and this is an installed package: clone the repository, run 'npm ci' there, " +
        "and 'npm run loadline -- image build'",
    );
  }
  if (flags.releasesRoot === undefined && !flags.neverUpdates) {
    throw new CalledWrongly(
      'whose updates are the gateways of this image to take? Name the root.json of that repository with --releases-root ' +
        '(docs/releases.md, section 4); without one they take none, ever: where that is wanted, say --never-updates',
    );
  }
  const built = `loadline-gateway-${ownVersion()}-linux-arm64`;
  const release = flags.release ?? join(import.meta.dirname, '../../dist/release', built);
  const { board, maker, releasesRoot, cache, offline } = flags;
  const inputs = await readInputs({ release, maker, releasesRoot });
  const out = flags.out ?? resolve(`dist/image/loadline-${inputs.release.version}-${flags.board}.img.zst`);
  const order: Order = {
    board,
    release,
    maker,
    releasesRoot,
    out,
    cache,
    base: offline ? 'kept' : 'archive',
  };
  if (flags.dryRun) {
    const plan = planOf(order, inputs);
    process.stdout.write(
      flags.json ? `${JSON.stringify(plan)}\n` : plan.lines.map((line) => `${line}\n`).join(''),
    );
    return;
  }
  const interrupted = untilInterrupted();
  const steps = stepsTo((text) => void process.stderr.write(text), interrupted.signal);
  const made = await buildImage(order, steps).finally(interrupted.end);
  if (flags.neverUpdates) steps.note('WARNING: gateways of this image never take an update');
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...made, seconds: steps.seconds })}\n`);
  else {
    process.stdout.write(
      `${made.image}: ${megabytes(made.fileBytes)}; unpacked ${megabytes(made.imageBytes)}, of which ${megabytes(made.mappedBytes)} are written to a card\n`,
    );
  }
}

/** Ctrl-C, or an order to end: what is under way is ended, and what it has half made is removed. */
function untilInterrupted(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const stop = (name: NodeJS.Signals) => {
    controller.abort(
      new Error(`interrupted (${name}): no image was made. What was downloaded is kept: call it again`),
    );
    endRunning();
  };
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    end: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}

function deps(): Command {
  return new Command('deps')
    .description(
      'install the Debian packages that building and trying images needs, and let this machine run arm64 programs; as root',
    )
    .action(() => attempt('image deps', installDependencies));
}

function path(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give a path');
  return resolve(text);
}

function imagePath(text: string): string {
  if (/\.img(\.zst)?$/.test(text)) return resolve(text);
  throw new InvalidArgumentError('Give a name that ends in .img or .img.zst');
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: base } = process.env;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'loadline', 'image');
}
