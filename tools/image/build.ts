import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeTrees, stage, stageFixed, type Trees, textsIn } from './assemble.ts';
import { type Base, baseFor } from './base.ts';
import { writeBlockMap } from './block-map.ts';
import { type Board, type BoardName, boardOf } from './boards.ts';
import { digest, digestOfFile, pack, place } from './finish.ts';
import { digestOf, type InputFiles, type Inputs, readInputs } from './inputs.ts';
import { type Identifiers, identifiersOf } from './layout.ts';
import { type Raw, writeRaw } from './raw.ts';
import { type Installed, installedIn, systemBom } from './sbom.ts';
import { scanImage } from './scan.ts';
import type { Steps } from './steps.ts';
import { type Entry, systemEntries } from './system.ts';

/** What is to be built, and of what. */
export interface Order extends InputFiles {
  readonly board: BoardName;
  /** Packed where it ends in .zst. */
  readonly out: string;
  readonly cache: string;
  /** `archive` asks Debian what is new; `kept` takes the newest base system that is kept, without a network. */
  readonly base: 'archive' | 'kept';
}

/** What came of it. Paths, and bytes. */
export interface Built {
  readonly image: string;
  readonly blockMap: string;
  readonly manifest: string;
  readonly imageBytes: number;
  readonly mappedBytes: number;
  readonly fileBytes: number;
  readonly sha256: string;
}

/** Builds an image. The same inputs, and the same packages of Debian, give the same bytes. */
export async function buildImage(order: Order, steps: Steps): Promise<Built> {
  const board = boardOf(order.board);
  const inputs = await readInputs(order);
  const base = await baseFor(board, order.cache, order.base, steps);
  const ids = identifiersOf([
    ...[board.name, base.key, inputs.releaseDigest],
    ...[inputs.maker, inputs.root].map((bytes) => (bytes === undefined ? null : digestOf(bytes))),
  ]);
  await mkdir(dirname(order.out), { recursive: true });
  // Beside what comes of it: one file system, and room for it.
  const work = await mkdtemp(join(dirname(order.out), '.image-'));
  try {
    const trees = await steps.step('put the system together', () =>
      assemble(order, board, inputs, base, ids, work),
    );
    const raw = await steps.step('make the file systems', () =>
      writeRaw(board, ids, trees, inputs.release.committed, work),
    );
    await steps.step('look for what must not be in it', async () => {
      const faults = await scanImage(raw.path, raw.layout);
      if (faults.length > 0)
        throw new Error(`the image is not fit to leave:\n${faults.map((each) => `  ${each}`).join('\n')}`);
    });
    const packages = installedIn(await readFile(join(trees.taken, 'dpkg-status'), 'utf8'));
    return await finish(order, { board, inputs, base, raw, packages, work }, steps);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function assemble(
  order: Order,
  board: Board,
  inputs: Inputs,
  base: Base,
  ids: Identifiers,
  work: string,
): Promise<Trees> {
  const staged = join(work, 'staged');
  await stageFixed(staged);
  const tree = join(order.release, 'tree');
  const packaging = await textsIn(join(tree, 'packaging'));
  await stage(systemEntries(board, ids, packaging), staged);
  await stageProgram(tree, inputs, staged);
  return await makeTrees(base.path, staged, inputs.release.committed, work);
}

/** /opt/loadline: the release as it is in a slot, its launcher, and what it was built to trust. */
async function stageProgram(tree: string, { release, maker, root }: Inputs, staged: string): Promise<void> {
  const program = join(staged, 'opt/loadline');
  const factory = join(program, 'factory');
  await cp(tree, factory, { recursive: true });
  for (const { path, sha256, executable } of release.files) {
    const file = join(factory, path);
    if (digestOf(await readFile(file)) !== sha256)
      throw new Error(`${join(tree, path)} is not what the release's manifest says: build it again`);
    await chmod(file, executable ? 0o755 : 0o644);
  }
  const launcher = await readFile(join(tree, 'launcher/loadline-launch'));
  const entries = new Map<string, Entry>([
    ['launcher/loadline-launch', { is: 'file', content: launcher, mode: 0o755 }],
    ['maker.pem', { is: 'file', content: maker, mode: 0o644 }],
  ]);
  if (root !== undefined) entries.set('trust/root.json', { is: 'file', content: root, mode: 0o644 });
  await stage(entries, program);
  // Time never goes below it: systemd and timesyncd start from here where there is no clock (systemd(1), clock-epoch).
  const epoch = join(staged, 'usr/lib/clock-epoch');
  await writeFile(epoch, '');
  await utimes(epoch, release.committed, release.committed);
}

interface Made {
  readonly board: Board;
  readonly inputs: Inputs;
  readonly base: Base;
  readonly raw: Raw;
  readonly packages: readonly Installed[];
  readonly work: string;
}

/** Writes what goes out: block map, image, bill of materials, what it is made of. The image last. */
async function finish(order: Order, made: Made, steps: Steps): Promise<Built> {
  const { board, inputs, base, raw, packages, work } = made;
  const { release } = inputs;
  const names = namesFor(order.out);
  const ranges = await steps.step('take digests of what it holds', () => digest(raw.path, raw.used));
  const packed = join(work, 'packed');
  const image = names.image.endsWith('.zst') ? packed : raw.path;
  if (image === packed) await steps.step('pack it', () => pack(raw.path, packed));
  const sha256 = await digestOfFile(image);
  const { size: fileBytes } = await stat(image);
  const title = `loadline-${board.name}`;
  const manifest = {
    format: 1,
    product: 'loadline-image',
    board: board.name,
    release: {
      version: release.version,
      commit: release.commit,
      target: release.target,
      manifest: inputs.releaseDigest,
    },
    maker: digestOf(inputs.maker),
    releasesRoot: inputs.root === undefined ? null : digestOf(inputs.root),
    base: base.key,
    disk: raw.layout,
    image: { name: basename(names.image), bytes: fileBytes, sha256, unpackedBytes: raw.layout.bytes },
    packages,
  };
  const texts = new Map([
    [names.blockMap, writeBlockMap(raw.layout.bytes, ranges)],
    [names.manifest, `${JSON.stringify(manifest, null, 1)}\n`],
    [names.bill, systemBom(title, release.version, release.committed, packages)],
    [names.digest, `${sha256}  ${basename(names.image)}\n`],
  ]);
  for (const [to, content] of texts) {
    const fresh = join(work, basename(to));
    await writeFile(fresh, content);
    await place(fresh, to);
  }
  await place(image, names.image);
  const mappedBytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    image: names.image,
    blockMap: names.blockMap,
    manifest: names.manifest,
    imageBytes: raw.layout.bytes,
    mappedBytes,
    fileBytes,
    sha256,
  };
}

/** Names of the files beside an image. */
export function namesFor(
  image: string,
): Readonly<Record<'image' | 'blockMap' | 'manifest' | 'bill' | 'digest', string>> {
  const stem = image.replace(/(\.img)?(\.zst)?$/, '');
  return {
    image,
    blockMap: `${stem}.img.bmap`,
    manifest: `${stem}.manifest.json`,
    bill: `${stem}.sbom.cdx.json`,
    digest: `${image}.sha256`,
  };
}
