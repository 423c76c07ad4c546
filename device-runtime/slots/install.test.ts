// The installer, which believes the gateway nothing: what it puts into a slot, and what it refuses.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestRelease } from '../update/test-releases.ts';
import { install, readInstallResult, slotFolder } from './index.ts';
import { id, makeRelease, TestInstallation, target, treeIn, treeOf } from './test-installation.ts';

const test = suite('the installer');

let site: TestInstallation;
const first = makeRelease('1.0.0');
test.before.each(async () => {
  site = new TestInstallation();
  await site.put('factory', first);
});
test.after.each(() => site.close());

const folderOf = (slot: 'a' | 'b' | 'factory') => slotFolder(site.layout, slot);
const isThere = (slot: 'a' | 'b') => existsSync(folderOf(slot));

async function refused(code: string, detail: string | RegExp, result = site.install()): Promise<void> {
  const said = await result;
  if (said?.outcome !== 'refused') throw new Error(`not refused: ${JSON.stringify(said)}`);
  assert.is(said.code, code, said.detail);
  assert.match(said.detail, detail);
  assert.equal(await readInstallResult(site.layout), said);
  // Nothing of it is left.
  assert.equal(
    readdirSync(site.layout.slots).filter((name) => name.startsWith('.')),
    [],
  );
}

/** The blob of a file in the staging folder. */
function blobOf(release: TestRelease, path: string): string {
  const file = release.manifest.files.find((each) => each.path === path);
  return join(site.layout.staging.blobs, file?.packed.sha256 ?? '');
}

test('puts a release into an empty slot, whole, with its modes, and says so', async () => {
  const release = makeRelease('1.1.0', { 'deep/er/file': Buffer.alloc(3_000_000, 'x'), empty: '' });
  site.repository.publish(release);
  site.stage(release);
  const staged = await treeIn(site.layout.staging.folder);
  const umask = process.umask(0o077);
  try {
    assert.equal(await site.install(), {
      ...{ id, outcome: 'installed', slot: 'a', release: '1.1.0', target, healthSeconds: 60 },
    });
  } finally {
    process.umask(umask);
  }
  assert.equal(await treeIn(folderOf('a')), treeOf(release));
  assert.is(statSync(folderOf('a')).mode & 0o777, 0o755);
  assert.is(statSync(site.layout.installed).mode & 0o777, 0o644);
  assert.equal((await readInstallResult(site.layout))?.outcome, 'installed');
  // The gateway's own folder is not touched.
  assert.equal(await treeIn(site.layout.staging.folder), staged);
  const { fields } = site.said.filter(({ event }) => event === 'install-file').at(-1) ?? {};
  assert.is(fields?.done, fields?.total);
});

test('gives no answer while the clock is not right yet, as after a power cut, and one later', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  site.stage(release);
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  // By what this software knows it is later than the clock says.
  const built = Date.now() + 2 * 3_600_000;
  const { message } = await install({ layout: site.layout, target, built, log }).then(
    () => new Error('it was answered'),
    (error: Error) => error,
  );
  assert.match(message, 'somebody turns it back');
  assert.is(await readInstallResult(site.layout), undefined);
  assert.is((await site.install())?.outcome, 'installed');
});

test('what a slot has already need not be staged, and is copied', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  site.stage(release, ['gateway.mjs']);
  assert.is((await site.install())?.outcome, 'installed');
  assert.equal(
    [site.came('slot'), site.came('blob')],
    [['bin/node', 'packaging/loadline-egress'], ['gateway.mjs']],
  );
  assert.equal(await treeIn(folderOf('a')), treeOf(release));
  assert.not(
    statSync(join(folderOf('a'), 'bin/node')).ino === statSync(join(folderOf('factory'), 'bin/node')).ino,
  );
});

test('what a disk has spoiled in a slot is taken from its blob, or it is refused', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  for (const spoil of [
    () =>
      writeFileSync(
        join(folderOf('factory'), 'bin/node'),
        first.files.get('bin/node')?.toString('utf8').replace('same', 'some') ?? '',
      ),
    () => truncateSync(join(folderOf('factory'), 'bin/node'), 3),
    () => appendFileSync(join(folderOf('factory'), 'bin/node'), 'more'),
  ]) {
    await site.put('factory', first);
    rmSync(folderOf('a'), { recursive: true, force: true });
    spoil();
    site.stage(release, ['gateway.mjs']);
    await refused('file-refused', /^bin\/node: blob [0-9a-f]{64}: ENOENT/);
    site.stage(release);
    assert.is((await site.install())?.outcome, 'installed');
    assert.equal(await treeIn(folderOf('a')), treeOf(release));
  }
});

test('the slot that runs, and the one that is on trial, are left alone', async () => {
  const [second, third] = [makeRelease('1.1.0'), makeRelease('1.2.0')];
  site.repository.publish(second);
  site.repository.publish(third);
  await site.put('a', second);
  await site.put('b', second);
  for (const [line, free] of [
    ['current=a', 'b'],
    ['current=b', 'a'],
    [`current=factory trial=a starts=1 seconds=60 id=${id}`, 'b'],
  ] as const) {
    await site.put('a', second);
    await site.put('b', second);
    const other = free === 'a' ? 'b' : 'a';
    const before = statSync(folderOf(other)).ino;
    site.state(line);
    site.stage(third);
    const result = await site.install();
    assert.is(result?.outcome === 'installed' && result.slot, free);
    assert.equal(await treeIn(folderOf(free)), treeOf(third));
    assert.is(statSync(folderOf(other)).ino, before);
    assert.equal((await treeIn(folderOf(other)))['gateway.mjs'], treeOf(second)['gateway.mjs']);
  }
  site.state(`current=a trial=b starts=1 seconds=60 id=${id}`);
  await refused('slot-busy', 'slot a runs, and slot b is on trial');
});

test('the same release again is known, made anew where it was spoiled, and an empty slot comes before a full one', async () => {
  const second = makeRelease('1.1.0');
  await site.update(second);
  const { ino } = statSync(folderOf('a'));
  await site.install();
  assert.is(statSync(folderOf('a')).ino, ino);
  assert.ok(site.said.some(({ event }) => event === 'install-there-already'));
  await site.update(makeRelease('1.2.0'));
  assert.ok(isThere('b'));
  site.stage(second);
  writeFileSync(join(folderOf('a'), 'gateway.mjs'), 'spoiled');
  await site.install();
  assert.equal(await treeIn(folderOf('a')), treeOf(second));
});

test('what was said of a slot is taken back before the slot has another release', async () => {
  // Or a gateway that is offered the one before again would try, by that one's name, whatever a cut has left there.
  site.state('current=b');
  await site.put('b', first);
  const [second, third] = [makeRelease('1.1.0'), makeRelease('1.2.0')];
  assert.is((await site.update(second))?.outcome, 'installed');
  site.repository.publish(third);
  site.stage(third);
  site.ask(third, { id: '7c0f7a52-52b5-4f4b-8f0e-6a2f3c1d9e10' });
  mkdirSync(`${site.layout.installed}.new`);
  const cut = await site.install().catch((error: Error) => error);
  assert.instance(cut, Error, 'it could not answer');
  assert.equal(await treeIn(folderOf('a')), treeOf(third));
  assert.is(await readInstallResult(site.layout), undefined);
});

test('what a cut left of an installation before goes', async () => {
  for (const name of ['.new-a', '.old-a']) {
    mkdirSync(join(site.layout.slots, name, 'bin'), { recursive: true });
    writeFileSync(join(site.layout.slots, name, 'bin/node'), 'half');
  }
  const release = makeRelease('1.1.0');
  await site.update(release);
  assert.equal(readdirSync(site.layout.slots).sort(), ['a']);
  assert.equal(await treeIn(folderOf('a')), treeOf(release));
});

test('a blob that is none, or another, is refused, whatever it is, and nobody waits for it', async () => {
  const release = makeRelease('1.1.0', { big: Buffer.alloc(100_000, 'y') });
  site.repository.publish(release);
  const other = zstdCompressSync(Buffer.alloc(100_000, 'z'));
  const elsewhere = join(site.folder, 'elsewhere');
  const cases: [(blob: string, good: Buffer) => void, RegExp][] = [
    [(blob) => rmSync(blob), /ENOENT/],
    [(blob) => writeFileSync(blob, ''), /0 bytes of/],
    [(blob, good) => writeFileSync(blob, good.subarray(0, -1)), /bytes of|unexpected end/],
    [(blob, good) => writeFileSync(blob, Buffer.concat([good, good])), /there are more than/],
    [(blob) => writeFileSync(blob, other), /another than its digest|bytes/],
    [(blob, good) => writeFileSync(blob, Buffer.from(good).fill(0, 8, 12)), /digest|corrupt|Data|bytes/i],
    [(blob) => writeFileSync(blob, Buffer.alloc(1 << 24)), /there are more than|Unknown frame/],
    [(blob) => mkdirSync(blob), /is not a file/],
    [(blob) => execFileSync('mkfifo', [blob]), /is not a file/],
    [
      (blob, good) => {
        writeFileSync(elsewhere, good);
        symlinkSync(elsewhere, blob);
      },
      /ELOOP/,
    ],
    [(blob) => symlinkSync('/dev/zero', blob), /ELOOP/],
  ];
  for (const [put, detail] of cases) {
    site.stage(release);
    const blob = blobOf(release, 'big');
    const good = readFileSync(blob);
    rmSync(blob);
    if (put === cases[0]?.[0]) writeFileSync(blob, good);
    put(blob, good);
    await refused('file-refused', detail);
    assert.not(isThere('a'));
  }
  site.stage(release);
  renameSync(site.layout.staging.blobs, elsewhere.replace('elsewhere', 'blobs'));
  symlinkSync(elsewhere.replace('elsewhere', 'blobs'), site.layout.staging.blobs);
  await refused('file-refused', /ELOOP|ENOTDIR/);
});

test('a bomb that somebody was made to sign is stopped at the length that was signed with it', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(1 << 26));
  const sha256 = createHash('sha256').update(bomb).digest('hex');
  const good = makeRelease('1.1.0', { big: 'b'.repeat(1000) });
  const files = good.manifest.files.map((file) =>
    file.path === 'big' ? { ...file, packed: { length: bomb.length, sha256 } } : file,
  );
  const signed = makeRelease('1.1.0', { big: 'b'.repeat(1000) }, { files });
  const release = { ...signed, blobs: new Map([...signed.blobs, [sha256, bomb]]) };
  site.repository.publish(release);
  site.stage(release);
  await refused('file-refused', 'there are more than 1000 bytes');
});

test('a frame that wants more memory than a release may is refused', async () => {
  const content = Buffer.alloc(10 << 20);
  for (let index = 0; index < content.length; index += 4096)
    content.writeUInt32LE((index * 2654435761) >>> 0, index);
  const wide = zstdCompressSync(content, { params: { [constants.ZSTD_c_windowLog]: 27 } });
  const sha256 = createHash('sha256').update(wide).digest('hex');
  const good = makeRelease('1.1.0', { big: content });
  const files = good.manifest.files.map((file) =>
    file.path === 'big' ? { ...file, packed: { length: wide.length, sha256 } } : file,
  );
  const release = {
    ...makeRelease('1.1.0', { big: content }, { files }),
    blobs: new Map([...good.blobs, [sha256, wide]]),
  };
  site.repository.publish(release);
  site.stage(release);
  await refused('file-refused', /memory|window/i);
});

test('a blob that is another one at each look makes no slot that is another one', async () => {
  const release = makeRelease('1.1.0', { big: Buffer.alloc(2_000_000, 'y') });
  site.repository.publish(release);
  site.stage(release);
  const blob = blobOf(release, 'big');
  const good = readFileSync(blob);
  const evil = zstdCompressSync(Buffer.alloc(2_000_000, 'z'));
  let outcomes = '';
  for (let round = 0; round < 8; round++) {
    rmSync(folderOf('a'), { recursive: true, force: true });
    writeFileSync(blob, good);
    const flip = setInterval(() => writeFileSync(blob, Math.random() < 0.5 ? evil : good), 1);
    const result = await site.install();
    clearInterval(flip);
    const done = result?.outcome === 'installed';
    outcomes += done ? 'i' : 'r';
    assert.is(isThere('a'), done);
    if (done) assert.equal(await treeIn(folderOf('a')), treeOf(release));
  }
  console.log(`outcomes with a blob that changes: ${outcomes}`);
});

test('what is not signed, or signed by somebody else, or for another machine, is refused', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  site.stage(release);
  const other = makeRelease('1.1.0', { 'gateway.mjs': 'evil' });
  writeFileSync(site.layout.staging.manifest, other.bytes);
  await refused('metadata-refused', /length|hash|digest/i);
  site.stage(release);
  site.ask(release, { release: '1.2.0' });
  await refused('release-unknown', 'no release 1.2.0');
  site.ask(release, { target: 'linux-x64' });
  await refused('release-unknown', 'this machine is linux-arm64');
  const stranger = new TestInstallation();
  try {
    stranger.repository.publish(release);
    site.stage(release);
    for (const [path, content] of stranger.repository.files) {
      if (path.startsWith('metadata/')) writeFileSync(join(site.layout.staging.folder, path), content);
    }
    await refused('metadata-refused', /./);
  } finally {
    stranger.close();
  }
  assert.not(isThere('a'));
});

test('an older state of the repository is refused once a newer one was believed', async () => {
  const [second, third] = [makeRelease('1.1.0'), makeRelease('1.2.0')];
  site.repository.publish(second);
  const old = new Map(site.repository.files);
  await site.update(third);
  site.stage(second);
  for (const [path, content] of old) {
    if (path.startsWith('metadata/')) writeFileSync(join(site.layout.staging.folder, path), content);
  }
  await refused('metadata-refused', /version/);
});

test('a release below the floor is refused, once the floor was believed also with what was signed before it', async () => {
  const [old, newer] = [makeRelease('1.1.0'), makeRelease('1.2.0')];
  site.repository.publish(old);
  const before = new Map(site.repository.files);
  site.repository.publish(newer, '1.2.0');
  site.stage(old);
  await refused('release-too-old', /1\.1\.0 is older than 1\.2\.0/);
  for (const [path, content] of before) {
    if (path.startsWith('metadata/')) writeFileSync(join(site.layout.staging.folder, path), content);
  }
  await refused('metadata-refused', /version/);
  assert.not(isThere('a'));
  site.stage(newer);
  assert.is((await site.install())?.outcome, 'installed');
});

test('a release that no launcher could start is refused', async () => {
  const cases = [
    makeRelease('1.1.0', { 'gateway.mjs': '' }),
    makeRelease('1.1.1', {}, { files: makeRelease('1.1.1').manifest.files.slice(1) }),
    makeRelease('1.1.2', { 'manifest.json': '{}' }),
  ];
  for (const release of cases) {
    site.repository.publish(release);
    site.stage(release);
    await refused('manifest-malformed', /bin\/node|manifest/);
  }
});

test('a request that is none is not answered: a link, a pipe, too much, no JSON, not what a request says', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  site.stage(release);
  const { request } = site.layout.staging;
  const good = readFileSync(request, 'utf8');
  const puts: (() => void)[] = [
    () => {},
    () => symlinkSync(join(site.folder, 'request'), request),
    () => execFileSync('mkfifo', [request]),
    () => mkdirSync(request),
    () => writeFileSync(request, ' '.repeat(10_000_000) + good),
    () => writeFileSync(request, '{'),
    () => writeFileSync(request, good.replace('1.1.0', '../../x')),
    () => writeFileSync(request, good.replace('{', '{"slot":"b",')),
  ];
  writeFileSync(join(site.folder, 'request'), good);
  for (const put of puts) {
    rmSync(request, { recursive: true, force: true });
    put();
    assert.is(await site.install(), undefined);
    assert.not(existsSync(site.layout.installed));
  }
  rmSync(site.layout.staging.folder, { recursive: true });
  site.stage(release);
  renameSync(site.layout.staging.folder, join(site.folder, 'staged'));
  symlinkSync(join(site.folder, 'staged'), site.layout.staging.folder);
  // Where the folder is a link it is the gateway that has put it there: what it leads to is judged like all else.
  assert.is((await site.install())?.outcome, 'installed');
});

test('without a root that is to be trusted nothing is', async () => {
  const release = makeRelease('1.1.0');
  site.repository.publish(release);
  site.stage(release);
  rmSync(site.layout.trustedRoot);
  await refused('metadata-refused', 'nothing says whose releases to trust');
});

test('where the disk does not take it that is said, and where there is room only without what is there, that goes first', async () => {
  if (process.getuid?.() !== 0) return console.log('skipped: only root may mount a disk of its own');
  const { slots } = site.layout;
  mkdirSync(slots);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', slots], { stdio: 'pipe' });
  } catch (error) {
    return console.log(`skipped: no disk of its own: ${(error as Error).message}`);
  }
  try {
    const big = (version: string, mebibytes: number) =>
      makeRelease(version, { big: Buffer.alloc(mebibytes << 20, version) });
    const [second, third, fourth] = [big('1.1.0', 10), big('1.2.0', 14), big('1.3.0', 30)];
    site.state('current=b');
    await site.put('b', first);
    assert.is((await site.update(second))?.outcome, 'installed');
    await refused('no-room', /needs \d+ bytes of the disk, and \d+ are free/, site.update(fourth));
    // What was there stays where its going would not have helped.
    assert.equal(await treeIn(folderOf('a')), treeOf(second));
    assert.is((await site.update(third))?.outcome, 'installed');
    assert.ok(site.said.some(({ event }) => event === 'install-makes-room'));
    assert.equal(await treeIn(folderOf('a')), treeOf(third));
  } finally {
    execFileSync('umount', [slots]);
  }
});

test('a newer launcher comes along, with its digest beside it; an older one, or the same, does not', async () => {
  const { launcher } = site.layout;
  const carrying = (version: string, number: number, text = `#!/bin/sh\nversion=${number}\n`) =>
    makeRelease(version, { 'launcher/loadline-launch': text }, { launcher: number });
  const there = () =>
    existsSync(launcher.program) && readFileSync(launcher.digest, 'utf8').split(' ')[1]?.trim();
  mkdirSync(dirname(launcher.first), { recursive: true });
  writeFileSync(launcher.first, '#!/bin/sh\nversion=2\n');
  for (const number of [1, 2]) {
    await site.update(carrying(`1.${number}.0`, number));
    assert.is(there(), false, String(number));
  }
  await site.update(carrying('1.5.0', 5));
  assert.is(there(), '5');
  const sum = createHash('sha256').update(readFileSync(launcher.program)).digest('hex');
  assert.is(readFileSync(launcher.digest, 'utf8'), `${sum} 5\n`);
  assert.is(statSync(launcher.program).mode & 0o777, 0o755);
  await site.update(carrying('1.4.0', 4));
  assert.is(there(), '5');
  // Half of one is none.
  truncateSync(launcher.program, 5);
  await site.update(carrying('1.4.1', 4));
  assert.is(there(), '4');
});

test.run();
