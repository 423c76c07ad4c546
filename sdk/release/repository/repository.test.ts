import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReleaseCode, ReleaseError } from '../errors.ts';
import { type ReleaseManifest, writeManifest } from '../manifest.ts';
import {
  areTargetsSigned,
  checkAddition,
  firstRoot,
  followRoots,
  keyIdOf,
  lifetimes,
  makeRoleKey,
  missingSignatures,
  nextRoot,
  nextTargets,
  type RoleSigner,
  readRoot,
  readSignedManifest,
  readTargets,
  resign,
  roleSigner,
  signRoot,
} from './index.ts';

const test = suite('a repository of releases');

const day = 86_400_000;
const now = Date.UTC(2026, 10, 22, 12);
const newKey = (): RoleSigner => roleSigner(makeRoleKey().privateKeyPem);
const only = (...signers: RoleSigner[]) => ({ keys: signers.map(({ key }) => key), threshold: 1 });
const keys = { root: newKey(), targets: newKey(), snapshot: newKey(), timestamp: newKey() };
const { snapshot, timestamp } = keys;
const online = { snapshot: snapshot.key, timestamp: timestamp.key };
const roles = {
  root: only(keys.root),
  targets: only(keys.targets),
  snapshot: only(snapshot),
  timestamp: only(timestamp),
};
const root = signRoot(firstRoot(roles, now), keys.root, undefined);

const manifest = (version: string): ReleaseManifest => ({
  ...{ format: 1, product: 'loadline-gateway', version, target: 'linux-arm64', commit: 'ab'.repeat(20) },
  ...{ committed: 1, node: '24.0.0', healthSeconds: 60, launcher: 1 },
  files: [
    {
      path: 'a',
      executable: false,
      length: 1,
      sha256: 'a'.repeat(64),
      packed: { length: 9, sha256: 'b'.repeat(64) },
    },
  ],
});
const bytes = writeManifest(manifest('1.4.0'));
const sign = (before: string | undefined, change = {}, signer = keys.targets, at = now) =>
  nextTargets(before, change, { signers: [signer], now: at });
const first = sign(undefined, { add: [bytes] });

function refused(work: () => unknown, code: ReleaseCode, piece: RegExp): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    assert.is(error.code, code, error.message);
    assert.match(error.message, piece);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('says of each release its manifest by digest, and takes back what is named', () => {
  const { version, releases, expires } = readTargets(first);
  assert.equal([version, expires], [1, now + lifetimes.targets]);
  const [release] = releases;
  assert.match(release?.path ?? '', /^releases\/1\.4\.0\/linux-arm64\/[0-9a-f]{64}\.manifest\.json$/);
  if (release === undefined) return;
  assert.equal(readSignedManifest(release, bytes), manifest('1.4.0'));
  for (const wrong of [bytes.subarray(1), Buffer.from(bytes).fill(0x20, 5, 6)]) {
    const piece = /not the bytes of the manifest of 1\.4\.0/;
    refused(() => readSignedManifest(release, wrong), 'file-refused', piece);
  }
  const other = writeManifest(manifest('1.5.0'));
  const mixed = {
    ...release,
    length: other.length,
    sha256: readTargets(sign(undefined, { add: [other] })).releases[0]?.sha256 ?? '',
  };
  refused(
    () => readSignedManifest(mixed, other),
    'metadata-refused',
    /of 1\.5\.0 for linux-arm64 is signed as 1\.4\.0/,
  );

  const both = sign(first, { add: [other] });
  assert.equal(
    readTargets(both).releases.map((each) => each.version),
    ['1.4.0', '1.5.0'],
  );
  const gone = sign(both, { remove: [release] });
  assert.equal(
    [readTargets(gone).version, readTargets(gone).releases.map((each) => each.version)],
    [3, ['1.5.0']],
  );
  refused(() => sign(gone, { remove: [release] }), 'release-unknown', /no release 1\.4\.0/);
});

test('has a floor that only rises: what is older is taken away, signed no more, and named nowhere', () => {
  const [newer, rc] = ['1.5.0', '1.5.0-rc.1'].map((version) => writeManifest(manifest(version)));
  const all = sign(first, { add: [newer, rc] });
  assert.is(readTargets(all).floor, undefined);
  const raised = sign(all, { floor: '1.5.0' });
  const { floor, releases } = readTargets(raised);
  assert.equal([floor, releases.map(({ version }) => version)], ['1.5.0', ['1.5.0']]);
  // It stays, whatever is signed next.
  const later = sign(raised, { add: [writeManifest(manifest('1.6.0'))] });
  assert.is(readTargets(later).floor, '1.5.0');
  refused(() => sign(later, { add: [rc] }), 'release-too-old', /1\.5\.0-rc\.1 is older than 1\.5\.0/);
  refused(() => sign(later, { floor: '1.4.9' }), 'release-too-old', /1\.4\.9 is older than 1\.5\.0/);
  assert.is(readTargets(sign(later, { floor: '1.6.0' })).floor, '1.6.0');

  const spoil = (change: object) => {
    const document = JSON.parse(all);
    Object.assign(document.signed, change);
    return JSON.stringify(document);
  };
  refused(() => readTargets(spoil({ oldest_release: '1.4.1' })), 'metadata-refused', /name 1\.4\.0, below/);
  for (const wrong of ['newest', 15, null]) {
    refused(() => readTargets(spoil({ oldest_release: wrong })), 'metadata-refused', /is no version/);
  }

  const order = { online, now };
  const current = { root, targets: raised };
  const without = sign(sign(sign(undefined, { add: [newer] })), {}, keys.targets);
  const lower = sign(sign(sign(undefined, { add: [newer], floor: '1.4.9' })));
  for (const targets of [without, lower].map((each) => sign(each))) {
    refused(
      () => checkAddition(current, { roots: [], targets }, order),
      'metadata-refused',
      /older releases than 1\.5\.0/,
    );
  }
  assert.ok(checkAddition(current, { roots: [], targets: later }, order));
});

test('names nothing but manifests, and nobody else who may sign them', () => {
  const spoil = (change: (signed: Record<string, unknown>) => void) => {
    const document = JSON.parse(first);
    change(document.signed);
    return () => readTargets(JSON.stringify(document));
  };
  const info = { length: 3, hashes: { sha256: 'a'.repeat(64) } };
  for (const path of [
    'gateway.mjs',
    'releases/../x/manifest.json',
    'releases/1.0/linux-arm64/manifest.json',
    'releases/1.0.0/linux-arm/manifest.json',
  ]) {
    refused(
      spoil((signed) => Object.assign(signed, { targets: { [path]: info } })),
      'metadata-refused',
      /is no manifest by its SHA-256/,
    );
  }
  const good = 'releases/1.0.0/linux-x64/manifest.json';
  for (const [its, piece] of [
    [{ ...info, hashes: {} }, /no manifest by its SHA-256/],
    [{ ...info, hashes: { sha512: 'a'.repeat(64) } }, /no manifest by its SHA-256/],
    [{ ...info, length: 2 ** 31 }, /longer than a manifest/],
  ] as const) {
    refused(
      spoil((signed) => Object.assign(signed, { targets: { [good]: its } })),
      'metadata-refused',
      piece,
    );
  }
  const delegations = { keys: {}, roles: [] };
  refused(
    spoil((signed) => Object.assign(signed, { delegations })),
    'metadata-refused',
    /lets others sign/,
  );
  refused(
    spoil((signed) => Object.assign(signed, { version: 1.5 })),
    'metadata-refused',
    /version is no number/,
  );
  refused(
    spoil((signed) => Object.assign(signed, { _type: 'root' })),
    'metadata-refused',
    /cannot be read/,
  );
  refused(() => readTargets('{'), 'metadata-refused', /cannot be read/);
  refused(() => readTargets(' '.repeat(5_000_001)), 'metadata-refused', /more than 5000000 bytes/);
});

test('is signed anew where something is due, in an order that leaves no gateway half way', () => {
  const signers = { snapshot, timestamp };
  const made = resign({ root, targets: first }, { signers, now });
  assert.equal(
    made.map(({ name }) => name.replace(/\d+/, 'N')),
    ['N.snapshot.json', 'timestamp.json'],
  );
  const current = { root, targets: first, snapshot: made[0]?.content, timestamp: made[1]?.content };
  const names = (change: object, at: number) =>
    resign({ ...current, ...change }, { signers, now: at }).map(({ name }) => name.replace(/\d+/, 'N'));
  assert.equal(names({}, now), []);
  assert.equal(names({}, now + lifetimes.timestamp / 2 - 1000), []);
  assert.equal(names({}, now + lifetimes.timestamp / 2), ['timestamp.json']);
  assert.equal(names({}, now + lifetimes.snapshot / 2), ['N.snapshot.json', 'timestamp.json']);
  assert.equal(names({ targets: sign(first) }, now), ['N.snapshot.json', 'timestamp.json']);
  // Each is newer than the one before, also within a second, and where all of them were lost.
  const version = (content: string | undefined) => JSON.parse(content ?? '').signed.version as number;
  const next = resign({ ...current, targets: sign(first) }, { signers, now });
  assert.ok(version(next[1]?.content) > version(current.timestamp));
  const lost = resign({ root, targets: first }, { signers, now: now + day });
  assert.ok(version(lost[1]?.content) > version(next[1]?.content));
});

test('is not signed by keys that the root does not name, over targets that nobody signed, or that are old', () => {
  const signers = { snapshot, timestamp };
  const stranger = newKey();
  refused(
    () => resign({ root, targets: first }, { signers: { snapshot: stranger, timestamp }, now }),
    'metadata-refused',
    /wants 1 of .* for snapshot, and the key here is .*rotate --role snapshot/,
  );
  refused(
    () => resign({ root, targets: sign(undefined, {}, stranger) }, { signers, now }),
    'metadata-refused',
    /targets 1 does not have the signatures of 1/,
  );
  refused(
    () => resign({ root, targets: first }, { signers, now: now + lifetimes.targets }),
    'metadata-expired',
    /targets 1 ended at 2027/,
  );
  const later = sign(first);
  const [signed] = resign({ root, targets: later }, { signers, now });
  refused(
    () => resign({ root, targets: first, snapshot: signed?.content }, { signers, now }),
    'metadata-refused',
    /targets 1 are older than targets 2/,
  );
});

test('has a root that as many as must of the old keys and of the new have signed', () => {
  const [second, third] = [newKey(), newKey()];
  const before = nextRoot(
    root,
    { root: { keys: [keys.root.key, second.key, third.key], threshold: 2 } },
    now,
  );
  assert.is(readRoot(before).version, 2);
  assert.is(readRoot(before).expires, now + lifetimes.root);
  assert.equal(
    missingSignatures(before, root).map(({ of, missing, keyIds }) => [of, missing, keyIds.length]),
    [
      ['itself', 2, 3],
      ['before', 1, 1],
    ],
  );
  const half = signRoot(before, keys.root, root);
  assert.equal(
    missingSignatures(half, root).map(({ of, missing, keyIds }) => [of, missing, keyIds]),
    [['itself', 1, [second, third].map(({ key }) => keyIdOf(key))]],
  );
  refused(() => followRoots(root, [half]), 'metadata-refused', /root 2 does not have the signatures of 2/);
  const whole = signRoot(half, third, root);
  assert.equal(missingSignatures(whole, root), []);
  assert.is(followRoots(root, [whole]), whole);
  // By the new ones alone, by a stranger, past a missing one, and out of nothing.
  const usurped = signRoot(signRoot(before, second, root), third, root);
  refused(() => followRoots(root, [usurped]), 'metadata-refused', /1 of the keys that root 1 names/);
  refused(
    () => signRoot(before, newKey(), root),
    'metadata-refused',
    /neither root 2 nor the one before it names the key/,
  );
  const after = signRoot(signRoot(nextRoot(whole, {}, now), second, whole), third, whole);
  assert.is(followRoots(root, [whole, after]), after);
  refused(() => followRoots(root, [after]), 'metadata-refused', /root 3 does not come after root 1/);
  refused(() => followRoots(undefined, []), 'metadata-refused', /there is no root/);
  refused(
    () => nextRoot(root, { targets: { keys: [second.key, second.key], threshold: 1 } }, now),
    'metadata-refused',
    /1 different/,
  );
  refused(
    () => nextRoot(root, { targets: { keys: [], threshold: 1 } }, now),
    'metadata-refused',
    /1 of 0 keys/,
  );
});

test('takes what somebody brings as gateways would, and nothing that its own keys cannot vouch for', () => {
  const order = { online, now };
  const begun = checkAddition(undefined, { roots: [root], targets: first }, order);
  assert.equal(
    begun.files.map(({ name }) => name),
    ['1.root.json', '1.targets.json'],
  );
  assert.equal(
    begun.releases.map(({ version }) => version),
    ['1.4.0'],
  );
  const current = { root: begun.root, targets: begun.targets };
  assert.equal(checkAddition(current, { roots: [], targets: first }, order).files, []);
  assert.equal(
    checkAddition(current, { roots: [], targets: sign(first) }, order).files.map(({ name }) => name),
    ['2.targets.json'],
  );

  refused(
    () => checkAddition(undefined, { roots: [root] }, order),
    'metadata-refused',
    /no targets metadata/,
  );
  refused(
    () => checkAddition(undefined, { roots: [firstRoot(roles, now)], targets: first }, order),
    'metadata-refused',
    /does not have the signatures/,
  );
  refused(
    () => checkAddition(current, { roots: [], targets: sign(first, {}, newKey()) }, order),
    'metadata-refused',
    /targets 2 does not have/,
  );
  refused(
    () => checkAddition(current, { roots: [], targets: sign(undefined, {}) }, order),
    'metadata-refused',
    /targets 1 are not newer than targets 1/,
  );
  refused(
    () => checkAddition(current, { roots: [] }, { online, now: now + lifetimes.targets }),
    'metadata-expired',
    /targets 1 ended/,
  );
  refused(
    () => checkAddition(current, { roots: [] }, { online, now: now + lifetimes.root }),
    'metadata-expired',
    /root 1 ended/,
  );
  const foreign = { ...online, timestamp: newKey().key };
  refused(
    () => checkAddition(current, { roots: [] }, { online: foreign, now }),
    'metadata-refused',
    /does not let the key .* sign timestamp alone/,
  );

  // Other keys for targets: what is in force has to be signed anew, and then it is taken.
  const other = newKey();
  const rotated = signRoot(nextRoot(root, { targets: only(other) }, now), keys.root, root);
  assert.not.ok(areTargetsSigned(rotated, first));
  refused(
    () => checkAddition(current, { roots: [rotated] }, order),
    'metadata-refused',
    /targets 1 does not have the signatures/,
  );
  const anew = sign(first, {}, other);
  assert.ok(areTargetsSigned(rotated, anew));
  const { files } = checkAddition(current, { roots: [rotated], targets: anew }, order);
  assert.equal(
    files.map(({ name }) => name),
    ['2.root.json', '2.targets.json'],
  );
});

test.run();
