// @long
// @time-limit 900 s
// A release by cable: over real ttys, with the shipped gateway, launcher and installer; the cable, the tool and the gateway cut in
// the middle of it.
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFlash } from '../flash/flashing.ts';
import { buildRelease } from '../image/releases.ts';
import { until } from '../rig/index.ts';
import { FlashedBoard, ReleaseRepository } from './flashed-board.ts';
import { type ReleaseFolder, variant } from './updated-site.ts';

const test = suite('a release by cable');

const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
/** Bytes that no packer makes smaller: a release takes seconds on its way, and can be cut. */
const ballast = 3_000_000;

let folder: string;
let shipped: ReleaseFolder;
let repository: ReleaseRepository;
let board: FlashedBoard;
let minor = 100;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-by-cable-'));
  shipped = await buildRelease({ target, out: folder, healthSeconds: 60 });
  repository = new ReleaseRepository(join(folder, 'repository'));
  await repository.publish(shipped);
  board = await FlashedBoard.prepare(join(folder, 'board'), shipped, repository.root);
  await board.start();
});
test.after(async () => {
  await board.close();
  await rm(folder, { recursive: true });
});

/** Another release is signed: the same program with ballast, or another program. */
async function release(program?: string): Promise<string> {
  const version = `9.${++minor}.0`;
  const packed = randomBytes(ballast).toString('base64');
  const asVersion = (built: string) => `${built.replaceAll(shipped.version, version)}\n// ${packed}\n`;
  await repository.publish(await variant(shipped, version, (built) => program ?? asVersion(built), 30));
  return version;
}

const start = (...words: string[]) =>
  startFlash('--serial', '--port', board.cable.left.path, '--release', repository.folder, ...words);
/** Waits until the gateway has some of it, and not all. */
const underWay = async () => {
  await until(async () => (await board.fetched()) > 300_000, { limitMs: 60_000, what: 'some of it to come' });
  assert.ok((await board.fetched()) < ballast, 'it is in the middle of it');
};

test('what a slot has does not travel; the new release is tried, and confirms itself where it is nobody’s by answering', async () => {
  const version = await release();
  const before = board.cable.bytes;
  const { code, told, last } = await start().ended;
  assert.equal([code, last.result, last.says], [0, 'confirmed', null]);
  const passed = board.cable.bytes - before;
  assert.ok(passed > ballast && passed < 2 * ballast, `${passed} bytes passed`);
  assert.is(await board.versionIn('a'), version);
  assert.is(await board.bootState(), 'current=a\n');
  const notes = told.filter(({ event }) => event === 'note').map(({ says }) => says);
  for (const words of ['is to have 9.', 'is put into the slot', 'lies in slot a', 'is confirmed']) {
    assert.ok(
      notes.some((note) => note?.includes(words)),
      `${words}: ${notes.join('\n')}`,
    );
  }
  const again = await start().ended;
  assert.equal([again.code, again.last.result], [0, 'confirmed'], 'it runs already');
});

test('the cable is cut in the middle, and mended: it goes on', async () => {
  const version = await release();
  const { ended } = start();
  await underWay();
  board.cable.cut();
  await new Promise((resolve) => setTimeout(resolve, 7000));
  const had = await board.fetched();
  board.cable.mend();
  const { code, last } = await ended;
  assert.equal([code, last.says], [0, null]);
  assert.ok(had > 0);
  assert.is(await board.versionIn('b'), version);
});

test('the tool is killed in the middle, and called again: what came does not come again', async () => {
  const version = await release();
  const { child, ended } = start();
  await underWay();
  child.kill('SIGKILL');
  await ended;
  const had = await board.fetched();
  const before = board.cable.bytes;
  const { code, last } = await start().ended;
  assert.equal([code, last.says], [0, null]);
  const passed = board.cable.bytes - before;
  assert.ok(
    passed < 1.35 * (1.01 * ballast - had) + 500_000,
    `${passed} bytes passed, and ${had} were there`,
  );
  assert.is(await board.versionIn('a'), version);
});

test('the gateway is killed in the middle: the tool goes on with the one that its launcher starts', async () => {
  const version = await release();
  const { ended } = start();
  await underWay();
  board.killGateway();
  const { code, last } = await ended;
  assert.equal([code, last.says], [0, null]);
  assert.is(await board.versionIn('b'), version);
  assert.is(await board.bootState(), 'current=b\n');
});

test('Ctrl-C: it says so, and the gateway runs what it ran', async () => {
  await release();
  const { child, ended } = start();
  await underWay();
  child.kill('SIGINT');
  const { code, last } = await ended;
  assert.equal([code, last.result], [130, 'interrupted']);
  assert.is(await board.bootState(), 'current=b\n');
});

test('the tool is killed when all is sent, and called again: it sees the rest of it', async () => {
  const version = await release();
  const { child, told, ended } = start();
  const isInSlot = () => told().some(({ says }) => says?.includes('put into the slot') ?? false);
  await until(isInSlot, { limitMs: 60_000, what: 'it to be put into a slot' });
  child.kill('SIGKILL');
  await ended;
  const before = board.cable.bytes;
  const { code, last } = await start().ended;
  assert.equal([code, last.says], [0, null]);
  assert.ok(board.cable.bytes - before < 100_000, 'nothing of it was sent again');
  assert.is(await board.versionIn('a'), version);
  assert.is(await board.bootState(), 'current=a\n');
});

test('a release that dies is gone back from, and the tool says why', async () => {
  await release('process.exit(1);\n');
  const { code, last } = await start().ended;
  assert.equal([code, last.result], [11, 'rolled-back'], last.says ?? '');
  assert.match(last.says ?? '', 'it was begun as often as it may be, and did not stay');
  assert.is(await board.bootState(), 'current=a\n');
});

test('a release that never answers is gone back from when its time is over, however little patience there is', async () => {
  await release('setInterval(() => {}, 1000);\n');
  const { code, last } = await start('--wait', '5').ended;
  assert.equal([code, last.result], [11, 'rolled-back'], last.says ?? '');
  assert.match(last.says ?? '', 'did not report health in time');
});

test('a packed file that somebody changed is refused, and nothing is tried', async () => {
  const version = await release();
  const blobs = join(repository.folder, 'blobs');
  const before = new Set(await readdir(join(folder, shipped.folder.split('/').at(-1) as string, 'blobs')));
  for (const name of await readdir(blobs)) {
    if (before.has(name)) continue;
    await truncate(join(blobs, name), 100_000);
    await appendFile(join(blobs, name), randomBytes(4_000_000));
  }
  const { code, last } = await start('--release-version', version).ended;
  assert.equal([code, last.result], [10, 'refused-by-gateway'], last.says ?? '');
  assert.is(await board.bootState(), 'current=a\n');
});

test('what somebody else signed is refused', async () => {
  const other = new ReleaseRepository(join(folder, 'other'));
  await other.publish(await variant(shipped, '99.0.0', (built) => built, 30));
  const { code, last } = await startFlash(
    ...['--serial', '--port', board.cable.left.path, '--release', other.folder],
  ).ended;
  assert.equal([code, last.result], [10, 'refused-by-gateway'], last.says ?? '');
  assert.match(last.says ?? '', 'metadata-refused');
});

test('without a time that somebody vouches for nothing is believed', async () => {
  await rm(join(board.folder, 'synchronized'));
  await release();
  const { code, last } = await start().ended;
  assert.equal([code, last.result], [10, 'refused-by-gateway'], last.says ?? '');
  assert.match(last.says ?? '', 'time-untrusted');
});

test.run();
