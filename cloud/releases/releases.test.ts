import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ReleaseError } from '@loadline/sdk/release';
import { makeRoleKey, readRoot, roleSigner } from '@loadline/sdk/release/repository';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTestKeys, type TestKeys } from '../keys/test-keys.ts';
import { OtherPlace } from './blobs.ts';
import { readOnlineKeys, resealOnlineKeys, rotateOnlineKeys } from './online-keys.ts';
import { Releases } from './releases.ts';
import { addRelease, builtRelease, ReleaseManager, sendWhole, sha256 } from './test-release.ts';

const test = suite<{ state: TestKeys; open: Releases[] }>('the repository of releases');

const day = 86_400_000;
const lines: { event: string; [field: string]: unknown }[] = [];
const note = (event: string, fields: object = {}) => void lines.push({ event, ...fields });
const log = { debug: note, info: note, warn: note, error: note };

test.before.each(async (context) => {
  context.state = await makeTestKeys();
  context.open = [];
});
test.after.each(async ({ state, open }) => {
  for (const one of open) await one.close();
  state.remove();
});

/** As a cloud that is started on the folder. */
async function opened({ state, open }: { state: TestKeys; open: Releases[] }): Promise<Releases> {
  const releases = await Releases.open({
    folder: state.folder,
    keys: await state.again(),
    log,
    now: () => state.now,
  });
  open.push(releases);
  return releases;
}

/** A repository with one release in it. */
async function filled(context: { state: TestKeys; open: Releases[] }) {
  const releases = await opened(context);
  const manager = new ReleaseManager(() => context.state.now);
  await manager.appointBy(releases);
  const node = randomBytes(5000);
  const built = builtRelease('1.4.0', { 'bin/node': node, 'gateway.mjs': randomBytes(900) });
  await addRelease(releases, manager, built);
  return { releases, manager, node, built };
}

/** The signed part of a file that is given out. */
function signedOf(releases: Releases, name: string) {
  const file = releases.file(`metadata/${name}`);
  assert.ok(file, name);
  return JSON.parse(file.at.toString()).signed;
}

const never = async () => assert.unreachable('it is not asked');

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof ReleaseError ? error.code : (error as Error).name;
  }
};

test('what is signed and sent is given out, and what is not is not', async (context) => {
  const { releases, built, manager } = await filled(context);
  assert.ok(releases.has('1.4.0', 'linux-arm64'));
  assert.not.ok(releases.has('1.4.0', 'linux-x64'));
  assert.not.ok(releases.has('1.4.1', 'linux-arm64'));
  const snapshot = signedOf(releases, 'timestamp.json').meta['snapshot.json'].version;
  assert.is(signedOf(releases, `${snapshot}.snapshot.json`).meta['targets.json'].version, 1);
  assert.equal(signedOf(releases, '1.targets.json'), JSON.parse(manager.targets).signed);
  for (const [digest, bytes] of built.blobs)
    assert.is(releases.file(`blobs/${digest}`)?.length, bytes.length);
  const stray = randomBytes(100);
  await sendWhole(releases, stray);
  assert.is(releases.file(`blobs/${sha256(stray)}`), undefined);
  for (const path of ['metadata/2.targets.json', 'online.json', 'metadata/../online.json', 'blobs/..', '']) {
    assert.is(releases.file(path), undefined);
  }
});

test('what is there is not sent again, and what is cut goes on where it was', async (context) => {
  const { releases, manager, node } = await filled(context);
  const other = randomBytes(3000);
  const digest = sha256(other);
  assert.equal(await releases.missing([sha256(node), digest, digest]), [{ sha256: digest, from: 0 }]);
  const part = (from: number, to: number) =>
    releases.take({ sha256: digest, from, length: other.length, bytes: other.subarray(from, to) });
  assert.equal(await part(0, 1000), { from: 1000, isWhole: false });
  const again = await opened(context);
  assert.equal(await again.missing([digest]), [{ sha256: digest, from: 1000 }]);
  const wrong = await part(2000, 3000).catch((error) => error);
  assert.ok(wrong instanceof OtherPlace && wrong.from === 1000);
  // Two senders at once: one goes on, the other is told where it is.
  const [first, second] = await Promise.allSettled([part(1000, 2000), part(1000, 2000)]);
  assert.is(first.status, 'fulfilled');
  assert.ok(second.status === 'rejected' && second.reason instanceof OtherPlace);
  assert.equal(await part(2000, 3000), { from: 3000, isWhole: true });
  assert.equal(await releases.missing([digest]), []);
  assert.equal(await part(0, 10), { from: 3000, isWhole: true });
  const next = builtRelease('1.5.0', { 'bin/node': node, 'gateway.mjs': other });
  assert.is(await addRelease(releases, manager, next), true);
  assert.is(await releases.add(manager, never), false);
});

test('other bytes than the digest says, and more than were said, are refused and not kept', async ({
  state,
  open,
}) => {
  const releases = await opened({ state, open });
  const digest = sha256(randomBytes(9));
  const bytes = randomBytes(50);
  assert.is(await codeOf(releases.take({ sha256: digest, from: 0, length: 50, bytes })), 'file-refused');
  assert.is(await codeOf(releases.take({ sha256: digest, from: 0, length: 49, bytes })), 'file-refused');
  const huge = 257 * 1024 * 1024;
  assert.is(await codeOf(releases.take({ sha256: digest, from: 0, length: huge, bytes })), 'file-refused');
  assert.is(
    await codeOf(releases.take({ sha256: '../online.json', from: 0, length: 50, bytes })),
    'RangeError',
  );
  assert.equal(await releases.missing([digest]), [{ sha256: digest, from: 0 }]);
});

test('what gateways would refuse is refused: wrong keys, older targets, another root, missing files', async (context) => {
  const { releases, manager, node } = await filled(context);
  const agreed = async () => {};
  const first = manager.targets;
  const stranger = new ReleaseManager(() => context.state.now);
  await stranger.appointBy(releases);
  stranger.sign({});
  assert.is(await codeOf(releases.add(stranger, agreed)), 'metadata-refused', 'another repository');
  const { manifest } = builtRelease('1.5.0', { 'bin/node': node, 'gateway.mjs': randomBytes(10) });
  manager.sign({ add: [manifest] });
  assert.is(await codeOf(releases.add(manager, agreed)), 'file-refused', 'no manifest');
  await sendWhole(releases, manifest);
  assert.is(await codeOf(releases.add(manager, agreed)), 'file-refused', 'a file is missing');
  assert.not.ok(releases.has('1.5.0', 'linux-arm64'));
  const forged = { ...manager, targets: manager.targets.replace('1.5.0', '1.6.0') };
  assert.is(await codeOf(releases.add(forged, agreed)), 'metadata-refused', 'signed as something else');
  manager.sign({ remove: [{ version: '1.5.0', target: 'linux-arm64' }] });
  assert.is(await releases.add(manager, agreed), true);
  assert.is(await codeOf(releases.add({ ...manager, targets: first }, agreed)), 'metadata-refused', 'older');
  assert.is(await codeOf(releases.add({ roots: [], targets: manager.targets }, agreed)), 'done');
});

test('the first root has to let the keys of this cloud sign', async ({ state, open }) => {
  const releases = await opened({ state, open });
  const manager = new ReleaseManager(() => state.now);
  const others = [0, 1].map(() => roleSigner(makeRoleKey().privateKeyPem).key);
  manager.appoint({ snapshot: others[0] as never, timestamp: others[1] as never });
  manager.sign({});
  assert.is(await codeOf(releases.add(manager, never)), 'metadata-refused');
  assert.is(await codeOf(releases.add({ ...manager, roots: [] }, never)), 'metadata-refused');
  await manager.appointBy(releases);
  assert.is(await releases.add(manager, async () => {}), true);
  assert.is((await releases.state()).root?.version, 2);
});

test('nothing is written where it is not agreed to', async (context) => {
  const { releases, manager } = await filled(context);
  manager.sign({ remove: [{ version: '1.4.0', target: 'linux-arm64' }] });
  const refusing = () => Promise.reject(new Error('no audit, no change'));
  assert.is(await codeOf(releases.add(manager, refusing)), 'Error');
  assert.ok(releases.has('1.4.0', 'linux-arm64'));
  assert.is(await releases.add(manager, async () => {}), true);
  assert.not.ok(releases.has('1.4.0', 'linux-arm64'));
});

test('it signs again before what it signed ends, with versions that go up, and says when people must', async (context) => {
  const { releases } = await filled(context);
  const stamp = () => signedOf(releases, 'timestamp.json');
  const first = stamp();
  await releases.sign();
  assert.equal(stamp(), first, 'nothing was due');
  context.state.now += 4 * day;
  await releases.sign();
  assert.ok(stamp().version > first.version);
  assert.ok(Date.parse(stamp().expires) > context.state.now + 6 * day);
  // A gateway that read the older one goes on with the snapshot that it names.
  assert.ok(releases.file(`metadata/${first.meta['snapshot.json'].version}.snapshot.json`));
  assert.is(releases.ends, (await releases.state()).targets?.expires);
  context.state.now += 400 * day;
  await releases.sign();
  assert.match((await releases.state()).fault ?? '', /targets 1 ended/);
  assert.ok(lines.some(({ event }) => event === 'releases-not-signed'));
});

test('a start finds it as it was, and signs what was not signed when it was cut', async (context) => {
  const { releases } = await filled(context);
  await releases.close();
  rmSync(join(context.state.folder, 'releases', 'metadata', 'timestamp.json'));
  const again = await opened(context);
  assert.ok(again.has('1.4.0', 'linux-arm64'));
  assert.ok(again.file('metadata/timestamp.json'));
});

test('a repository that was lost is filled again, above what gateways have seen of it', async (context) => {
  const { releases, manager, built } = await filled(context);
  const before = signedOf(releases, 'timestamp.json').version;
  await releases.close();
  for (const name of ['metadata', 'targets', 'blobs']) {
    rmSync(join(context.state.folder, 'releases', name), { recursive: true });
  }
  context.state.now += 60_000;
  const again = await opened(context);
  assert.not.ok(again.has('1.4.0', 'linux-arm64'));
  for (const bytes of [built.manifest, ...built.blobs.values()]) await sendWhole(again, bytes);
  assert.is(await again.add(manager, async () => {}), true);
  assert.ok(signedOf(again, 'timestamp.json').version > before);
});

test('of a release that is not whole any more nothing is given out; the same addition mends it', async (context) => {
  const { releases, manager, node } = await filled(context);
  await releases.close();
  rmSync(join(context.state.folder, 'releases', 'blobs', sha256(node)));
  const again = await opened(context);
  assert.not.ok(again.has('1.4.0', 'linux-arm64'));
  assert.match((await again.state()).fault ?? '', /1\.4\.0 for linux-arm64 is not here whole/);
  await sendWhole(again, node);
  assert.is(await again.add(manager, async () => {}), true);
  assert.ok(again.has('1.4.0', 'linux-arm64'));
  assert.is((await again.state()).fault, undefined);
});

test('what is left of a release that is not whole is not removed: it need not be sent again', async (context) => {
  const { releases, node, built } = await filled(context);
  await releases.close();
  const folder = join(context.state.folder, 'releases', 'blobs');
  context.state.now = Date.now();
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
  rmSync(join(folder, sha256(node)));
  const again = await opened(context);
  const missing = await again.missing([...built.blobs.keys()]);
  assert.equal(
    missing.map(({ sha256: one }) => one),
    [sha256(node)],
  );
});

test('what is signed by nobody has so much room, also where it is whole', async (context) => {
  const { releases } = await filled(context);
  const bytes = randomBytes(40);
  await sendWhole(releases, randomBytes(40));
  await releases.close();
  const folder = join(context.state.folder, 'releases', 'blobs');
  const begun = join(folder, 'ab'.repeat(32));
  writeFileSync(begun, '');
  truncateSync(begun, 4 * 1024 ** 3);
  const again = await opened(context);
  assert.is(await codeOf(sendWhole(again, bytes)), 'storage-failed');
  // Whoever says with a later part that it is longer has no more room.
  rmSync(begun);
  writeFileSync(`${begun}.part`, '');
  truncateSync(`${begun}.part`, 4 * 1024 ** 3 - 60);
  const small = { sha256: sha256(bytes), bytes: bytes.subarray(0, 1) };
  const third = await opened(context);
  assert.is((await third.take({ ...small, from: 0, length: 10 })).from, 1);
  assert.is(await codeOf(third.take({ ...small, from: 1, length: 1000 })), 'storage-failed');
});

test('what was signed by a clock that ran ahead is signed again when that is right', async (context) => {
  const { state } = context;
  const right = state.now;
  const { releases } = await filled(context);
  state.now = right + 300 * day;
  await releases.sign();
  assert.ok(Date.parse(signedOf(releases, 'timestamp.json').expires) > right + 300 * day);
  state.now = right;
  await releases.sign();
  const { expires, meta } = signedOf(releases, 'timestamp.json');
  assert.ok(Date.parse(expires) <= right + 8 * day, 'a freeze would last for all that time');
  const snapshot = signedOf(releases, `${meta['snapshot.json'].version}.snapshot.json`);
  assert.ok(Date.parse(snapshot.expires) <= right + 15 * day);
});

test('a new key of its own is signed with as soon as a root names it, and the older one is forgotten then', async (context) => {
  const { releases, manager } = await filled(context);
  const { folder } = context.state;
  const idsOf = async (role: string) =>
    (await readOnlineKeys(folder)).filter((one) => one.role === role).map(({ id }) => id);
  const [old] = await idsOf('timestamp');
  await rotateOnlineKeys(folder, ['timestamp'], await context.state.again(), context.state.now);
  const signer = () => JSON.parse(String(releases.file('metadata/timestamp.json')?.at)).signatures[0].keyid;
  context.state.now += 4 * day;
  await releases.sign();
  assert.is(signer(), old, 'the root still names the old one');
  const [fresh] = await idsOf('timestamp');
  assert.is.not(fresh, old);
  await manager.appointBy(releases);
  assert.is(await releases.add(manager, async () => {}), true);
  assert.is(readRoot(manager.roots.at(-1) ?? '').version, 2);
  assert.is(signer(), fresh);
  assert.equal(await idsOf('timestamp'), [fresh]);
});

test('the keys are sealed, and follow the keys of the cloud', async (context) => {
  const { releases, manager } = await filled(context);
  await releases.close();
  const { folder } = context.state;
  const text = readFileSync(join(folder, 'releases', 'online.json'), 'utf8');
  assert.not.match(text, /PRIVATE|"d"/);
  const keys = await context.state.again();
  const [known = ''] = keys.ids('seal');
  await keys.rotate('seal');
  await resealOnlineKeys(folder, keys);
  await keys.forget('seal', [known]);
  const again = await opened(context);
  manager.sign({});
  assert.is(await again.add(manager, async () => {}), true);
  assert.is((await again.state()).fault, undefined);
});

test('what nobody signed for a week is removed, and what is of a release is not', async (context) => {
  const { releases, node } = await filled(context);
  const folder = join(context.state.folder, 'releases', 'blobs');
  await sendWhole(releases, randomBytes(40));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${'ab'.repeat(32)}.part`), 'begun');
  const before = readdirSync(folder).length;
  context.state.now = Date.now();
  await releases.sign();
  assert.is(readdirSync(folder).length, before);
  context.state.now += 8 * day;
  await releases.sign();
  assert.is(readdirSync(folder).length, before - 2);
  assert.ok(releases.file(`blobs/${sha256(node)}`));
});

test.run();
