import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type ReleaseTarget, releaseTargets, releaseVersion } from '@loadline/sdk/release';
import { Command, InvalidArgumentError } from 'commander';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';

interface Flags {
  readonly target: ReleaseTarget;
  readonly out?: string;
  readonly as?: string;
  readonly healthSeconds: number;
  readonly allowDirty: boolean;
  readonly trust?: string;
  readonly maker?: string;
  readonly json: boolean;
}

/** `loadline release build`: from the sources of a checkout to a release for one target. */
export function buildCommand(): Command {
  return new Command('build')
    .description('build a release of the gateway from this checkout: the same sources give the same bytes')
    .requiredOption('--target <target>', `what it is for: ${releaseTargets.join(' or ')}`, target)
    .option('--out <dir>', 'where its folder is put (default: dist/release in the checkout)', (path) =>
      resolve(path),
    )
    .option('--as <version>', "its version, where that is not the sources' own: 0.2.0-rc.1", version)
    .option(
      '--health-seconds <n>',
      'how long it has on a gateway to report health, until the release before it comes back; 10 to 3600',
      seconds,
      600,
    )
    .option('--allow-dirty', 'build also what is not committed; the version then says so', false)
    .option(
      '--trust <file>',
      'into the package: the root.json of the repository that its gateways update from',
    )
    .option(
      '--maker <file>',
      'into the package: the authority whose vouchers its gateways take an owner by, PEM',
    )
    .option('--json', 'one line of JSON on standard output; progress is on standard error', false)
    .addHelpText(
      'after',
      `
Makes <out>/loadline-gateway-<version>-<target>/:
  tree/           what lies in a slot of a gateway: Node, program, serial binding, units, launcher, licences
  manifest.json   each file of it by its digest; this is what is signed
  blobs/          each file packed, named by its digest
  *.deb           the same tree for an existing Debian 12 or Raspberry Pi OS

Node's binary comes by npm, is checked against package-lock.json, and kept in a cache: the first build needs a
network (60 MB) and a minute, the next ones neither. On an existing Pi:

  loadline release build --target linux-arm64
  scp dist/release/loadline-gateway-*-linux-arm64/*.deb pi:      and there: sudo apt install ./loadline-gateway_*.deb

Exit codes: 0 done, 1 failed, 2 called wrongly.`,
    )
    .action((flags: Flags) =>
      attempt('release build', async () => {
        if (!import.meta.url.endsWith('.ts')) {
          throw new CalledWrongly(
            'a release is built from a checkout of the sources, and this is an installed package: clone the ' +
              "repository, run 'npm ci' there, and 'npm run loadline -- release build'",
          );
        }
        await buildApart(flags);
      }),
    );
}

/**
 * In a process of its own: what an import leads to is shipped, and the builder is not. And on the Node that the release
 * brings: another one packs to other bytes.
 */
async function buildApart(order: Flags): Promise<void> {
  const builder = join(import.meta.dirname, 'main.ts');
  const child = spawn(pinnedNode(), [...process.execArgv, builder, JSON.stringify(order)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => child.kill(signal));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  process.exitCode = code ?? 1;
}

/** The Node that npm installed for this platform; where it brings none, this process's own. */
function pinnedNode(): string {
  try {
    const { resolve: find } = createRequire(import.meta.url);
    const manifest = find(`node-${process.platform}-${process.arch}/package.json`);
    const node = join(dirname(manifest), 'bin/node');
    return existsSync(node) ? node : process.execPath;
  } catch {
    return process.execPath;
  }
}

function target(text: string): ReleaseTarget {
  const found = releaseTargets.find((each) => each === text);
  if (found !== undefined) return found;
  const why = /^linux-arm(v[67]l?|hf)?$/.test(text)
    ? 'There is no Node 24 for 32-bit ARM (armv6, armv7): put the 64-bit system onto the Pi, any from the Pi 3 on takes it. '
    : '';
  throw new InvalidArgumentError(`${why}A release is for one of ${releaseTargets.join(', ')}`);
}

function version(text: string): string {
  const read = releaseVersion.safeParse(text);
  if (read.success) return read.data;
  throw new InvalidArgumentError('Give three numbers, and a word where it is not final: 1.4.0, 1.4.0-rc.1');
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{2,4}$/.test(text) && value >= 10 && value <= 3600) return value;
  throw new InvalidArgumentError('Give seconds from 10 to 3600');
}
