// What The Update Framework lists as attacks (specification 1.0, section 1.5.2), each by whoever it takes: somebody on the way, or
// somebody with stolen keys. A real client, a real server.
import { setTimeout as elapsed } from 'node:timers/promises';
import { repository as places, writeManifest } from '@loadline/sdk/release';
import { nextRoot, readRoot, signRoot } from '@loadline/sdk/release/repository';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal, TestFleet } from './attacked-fleet.ts';
import {
  changed,
  day,
  forge,
  manifestPath,
  metaOf,
  newKey,
  sha256Of,
  testManifest,
  versionOf,
} from './attacked-repository.ts';

const test = suite<{ fleet: TestFleet }>('attacks on releases');

test.before.each(async (context) => {
  context.fleet = await TestFleet.start();
  context.fleet.repository.release('1.4.0');
});
test.after.each(({ fleet }) => fleet.stop());

const metadata = (name: string) => `${places.metadata}/${name}`;

/** What whoever has the keys of snapshot and timestamp can say of targets: newer than all that was said. */
function forgeAbove(fleet: TestFleet, targets: string, change: object = {}): void {
  const { repository } = fleet;
  const { snapshot, timestamp } = repository.keys;
  const version = versionOf(repository.timestamp) + 1000;
  const names = { 'targets.json': metaOf(targets) };
  const above = forge(
    changed(repository.text(repository.snapshotName), { ...change, version, meta: names }),
    snapshot,
  );
  repository.put(`${version}.snapshot.json`, above);
  const meta = { 'snapshot.json': metaOf(above) };
  repository.put(
    'timestamp.json',
    forge(changed(repository.timestamp, { ...change, version, meta }), timestamp),
  );
}

test('rollback: an older timestamp, and with it all that is older, is not taken', async ({ fleet }) => {
  const { repository, server } = fleet;
  const before = repository.copy();
  repository.release('1.5.0');
  await fleet.update();
  server.files = before;
  const older = /timestamp\.json does not hold: New timestamp version \d+ is less than current version \d+/;
  await fleet.refuses('metadata-refused', older);
  fleet.pass(day);
  await fleet.refuses('metadata-refused', older);
  server.files = repository.files;
  assert.ok(await (await fleet.update()).manifest('1.5.0', 'linux-arm64'));
});

test('rollback: an older snapshot is not taken, although the key of timestamps was stolen', async ({
  fleet,
}) => {
  const { repository } = fleet;
  const older = repository.text(repository.snapshotName);
  repository.release('1.5.0');
  await fleet.update();
  const change = { version: versionOf(repository.timestamp) + 1, meta: { 'snapshot.json': metaOf(older) } };
  repository.put('timestamp.json', forge(changed(repository.timestamp, change), repository.keys.timestamp));
  await fleet.refuses('metadata-refused', /New snapshot version \d+ is less than current version \d+/);
});

test('rollback: older targets are not taken, although both online keys were stolen', async ({ fleet }) => {
  const { repository } = fleet;
  repository.release('1.5.0');
  await fleet.update();
  forgeAbove(fleet, repository.text('2.targets.json'));
  await fleet.refuses('metadata-refused', /New version 2 of targets\.json is less than current version 3/);
});

test('freeze: whoever shows the same for ever is believed for a week, and no longer', async ({ fleet }) => {
  const { repository, server } = fleet;
  await fleet.update();
  server.files = repository.copy();
  repository.release('1.5.0');
  fleet.pass(7 * day - 3_600_000);
  const trusted = await fleet.update();
  await refusal(trusted.manifest('1.5.0', 'linux-arm64'), 'release-unknown', /1\.5\.0/);
  fleet.pass(3_600_000);
  await fleet.refuses('metadata-expired', /timestamp\.json is expired: nobody vouches/);
  // With the key of timestamps alone a thief prolongs it as long as the snapshot holds.
  const shown = Buffer.from(server.files.get(metadata('timestamp.json')) ?? []).toString();
  const lasting = { version: versionOf(shown) + 1, expires: '2040-01-01T00:00:00Z' };
  const prolonged = forge(changed(shown, lasting), repository.keys.timestamp);
  server.files.set(metadata('timestamp.json'), Buffer.from(prolonged));
  await fleet.update();
  fleet.pass(7 * day);
  await fleet.refuses('metadata-expired', /snapshot\.json is expired/);
});

test('freeze: targets that nobody signed for a year, and a root for two, are believed no more', async ({
  fleet,
}) => {
  const { repository } = fleet;
  const lasting = { expires: '2040-01-01T00:00:00Z' };
  fleet.pass(365 * day - 1000);
  forgeAbove(fleet, repository.targets, lasting);
  await fleet.update();
  fleet.pass(1000);
  await fleet.refuses('metadata-expired', /targets\.json is expired/);
  const targets = changed(repository.targets, { version: 3, ...lasting });
  repository.put('3.targets.json', forge(targets, repository.keys.targets));
  forgeAbove(fleet, repository.targets, lasting);
  await fleet.update();
  fleet.pass(365 * day);
  await fleet.refuses('metadata-expired', /root\.json is expired/);
});

test('mix and match: what was signed each for itself, but never together, is not taken', async ({
  fleet,
}) => {
  const { repository } = fleet;
  const [snapshot, targets] = [repository.text(repository.snapshotName), repository.targets];
  repository.release('1.5.0');
  const whole = repository.copy();
  repository.put(repository.snapshotName, snapshot);
  await fleet.refuses('metadata-refused', /snapshot\.json does not hold: Expected (length|hash)/);
  repository.restore(whole);
  repository.put('3.targets.json', targets);
  await fleet.refuses('metadata-refused', /3\.targets\.json does not hold: Expected (length|hash)/);
  repository.restore(whole);
  await fleet.update();
});

test('wrong length: a file longer or shorter than was signed is not taken', async ({ fleet }) => {
  const { repository, server } = fleet;
  for (const name of [repository.snapshotName, '2.targets.json']) {
    const whole = repository.text(name);
    repository.put(name, `${whole} `);
    await fleet.refuses(
      'metadata-refused',
      new RegExp(`${name} does not hold: it has more than ${whole.length} bytes`),
    );
    repository.put(name, whole.slice(1));
    await fleet.refuses('metadata-refused', /Expected length/);
    repository.put(name, whole);
  }
  const bytes = writeManifest(testManifest('1.4.0'));
  const path = manifestPath('1.4.0', 'linux-arm64', bytes);
  for (const wrong of [
    Buffer.concat([bytes, Buffer.from(' ')]),
    bytes.subarray(1),
    Buffer.from(bytes).fill(32, 9, 10),
  ]) {
    const trusted = await fleet.update();
    server.files.set(path, wrong);
    await refusal(
      trusted.manifest('1.4.0', 'linux-arm64'),
      'metadata-refused',
      /manifest\.json does not hold: (Expected|it has more)/,
    );
  }
});

test('endless data: an answer that never ends is left at its length, each of them', async ({ fleet }) => {
  const { server, repository } = fleet;
  const bytes = writeManifest(testManifest('1.4.0'));
  const manifest = manifestPath('1.4.0', 'linux-arm64', bytes);
  let sent = 0;
  const most: Record<string, number> = {
    [metadata('2.root.json')]: 512_000,
    [metadata('timestamp.json')]: 16_384,
    [metadata(repository.snapshotName)]: repository.text(repository.snapshotName).length,
    [metadata('2.targets.json')]: repository.text('2.targets.json').length,
    [manifest]: bytes.length,
  };
  for (const [path, limit] of Object.entries(most)) {
    sent = 0;
    let isClosed = false;
    server.answers.set(path, (_, response) => {
      const chunk = Buffer.alloc(65_536, ' ');
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', pour).on('close', () => {
        isClosed = true;
      });
      pour();
    });
    const done = fleet.update().then((trusted) => trusted.manifest('1.4.0', 'linux-arm64'));
    await refusal(done, 'metadata-refused', new RegExp(`more than ${limit} bytes`));
    server.answers.delete(path);
    // The connection is given up, too; what its buffers hold is some megabytes.
    for (let waited = 0; !isClosed && waited < 5000; waited += 10) await elapsed(10);
    assert.ok(isClosed, path);
    assert.ok(sent < 32 * 1024 * 1024, `${sent} of ${path}`);
  }
});

test('slow retrieval: an answer that trickles, or does not come, is left after its time', async ({
  fleet,
}) => {
  const { server } = fleet;
  const limits: number[] = [];
  /** Lets the time of the file pass that is asked for. */
  let late = () => {};
  const timeUp = (limit: number) => {
    const file = new AbortController();
    limits.push(limit);
    late = () => file.abort();
    return file.signal;
  };
  const words = /timestamp\.json did not come: it was not there after 600 s/;
  let trickle: NodeJS.Timeout | undefined;
  server.answers.set(metadata('timestamp.json'), (_, response) => {
    let sent = 0;
    trickle = setInterval(() => {
      response.write(' ');
      sent += 1;
      if (sent === 20) late();
    }, 5);
  });
  await fleet.refuses('source-failed', words, { timeUp });
  clearInterval(trickle);
  server.answers.set(metadata('timestamp.json'), () => late());
  await fleet.refuses('source-failed', words, { timeUp });
  // A source that does not even heed the signal.
  const never = () => {
    setImmediate(() => late());
    return new Promise<never>(() => {});
  };
  const deaf = { metadata: never, target: never };
  await fleet.refuses('source-failed', /not there after 600 s/, { timeUp, source: deaf });
  assert.equal([...new Set(limits)], [600_000]);
});

test('wrong key: what nobody signed who may is not taken, from whatever role', async ({ fleet }) => {
  const { repository } = fleet;
  const stranger = newKey();
  const names = ['timestamp', 'snapshot', 'targets'] as const;
  for (const role of names) {
    const before = repository.copy();
    const file = {
      timestamp: 'timestamp.json',
      snapshot: repository.snapshotName,
      targets: '2.targets.json',
    }[role];
    repository.put(
      file,
      forge(
        changed(repository.text(file), {}),
        stranger,
        ...names.filter((each) => each !== role).map((each) => repository.keys[each]),
      ),
    );
    // Those above it say what it is, so that nothing but its signature is wrong.
    if (role === 'targets') forgeAbove(fleet, repository.text(file));
    if (role === 'snapshot') {
      const meta = { 'snapshot.json': metaOf(repository.text(file)) };
      repository.put(
        'timestamp.json',
        forge(changed(repository.timestamp, { meta }), repository.keys.timestamp),
      );
    }
    await fleet.refuses('metadata-refused', new RegExp(`${role} was signed by 0/1 keys`), {
      folder: `${fleet.folder}-${role}`,
    });
    repository.restore(before);
  }
  await fleet.update();
});

test('threshold: a root, and targets, that fewer keys signed than must are not taken', async ({ fleet }) => {
  const { repository } = fleet;
  const { root } = repository;
  const [first, second, third] = [repository.keys.root, newKey(), newKey()];
  const several = { keys: [first.key, second.key, third.key], threshold: 2 };
  const once = signRoot(nextRoot(root, { root: several, targets: several }, repository.now), first, root);
  repository.put('2.root.json', once);
  await fleet.refuses('metadata-refused', /2\.root\.json does not hold: root was signed by 1\/2 keys/);
  // One key twice is one key.
  const { signatures, signed } = JSON.parse(once);
  repository.put('2.root.json', JSON.stringify({ signed, signatures: [...signatures, ...signatures] }));
  await fleet.refuses('metadata-refused', /multiple signatures/);
  repository.put('2.root.json', signRoot(once, third, root));
  const by = (...signers: (typeof first)[]) => {
    repository.put('2.targets.json', forge(changed(repository.text('2.targets.json'), {}), ...signers));
    forgeAbove(fleet, repository.text('2.targets.json'));
  };
  by(second);
  await fleet.refuses('metadata-refused', /targets was signed by 1\/2 keys/);
  by(second, third);
  await fleet.update();
});

test('root: a missing link, a jump, and one that only its own keys signed are not followed', async ({
  fleet,
}) => {
  const { repository, server } = fleet;
  const old = { root: repository.root, key: repository.keys.root };
  repository.rotate('root');
  repository.rotate('timestamp');
  const all = repository.copy();
  // Without the link there is no newer root for the gateway, and what the newer ones vouch for is unknown to it.
  repository.files.delete(metadata('2.root.json'));
  await fleet.refuses('metadata-refused', /timestamp\.json does not hold: timestamp was signed by 0\/1/);
  repository.put('2.root.json', repository.text('3.root.json'));
  await fleet.refuses('metadata-refused', /2\.root\.json does not hold: root was signed by 0\/1 keys/);
  // The stolen old key signs a root that jumps, to the highest there is.
  repository.put('2.root.json', forge(changed(old.root, { version: 2 ** 40 }), old.key));
  await fleet.refuses('metadata-refused', /Expected version 2, got 1099511627776/);
  repository.put('2.root.json', Buffer.from(all.get(metadata('2.root.json')) ?? []).toString());
  server.files = all;
  await fleet.update();
  // From the newest root on, the old key is worth nothing.
  server.files = repository.files;
  repository.put('4.root.json', forge(changed(old.root, { version: 4 }), old.key));
  await fleet.refuses('metadata-refused', /4\.root\.json does not hold: root was signed by 0\/1 keys/);
});

test('root: newer ones are kept as far as they go, however it ends; and no more than 256 in one go', async ({
  fleet,
}) => {
  const { repository } = fleet;
  for (let each = 0; each < 300; each++) repository.rotate('timestamp');
  await fleet.refuses('metadata-refused', /timestamp was signed by 0\/1 keys/);
  fleet.server.asked.length = 0;
  await fleet.update();
  assert.is(fleet.server.asked[0], metadata('258.root.json'));
  assert.is(readRoot(repository.root).version, 301);
});

test('fast-forward: what a thief raised to the highest version is forgotten with his key', async ({
  fleet,
}) => {
  const { repository, server } = fleet;
  const honest = repository.copy();
  // He has all but the root's, and brings gateways so far that nothing honest is ever newer.
  const highest = forge(changed(repository.targets, { version: 2 ** 50 }), repository.keys.targets);
  repository.put(`${2 ** 50}.targets.json`, highest);
  forgeAbove(fleet, highest);
  await fleet.update();
  repository.restore(honest);
  server.files = repository.files;
  await fleet.refuses('metadata-refused', /New timestamp version \d+ is less than/);
  // New keys for timestamps alone: the snapshot is still his.
  repository.rotate('timestamp');
  await fleet.refuses('metadata-refused', /New version \d of targets\.json is less than/);
  repository.rotate('snapshot', 'targets');
  repository.release('1.5.0');
  assert.ok(await (await fleet.update()).manifest('1.5.0', 'linux-arm64'));
});

test('a manifest that is signed under the name of another version or target is not taken', async ({
  fleet,
}) => {
  const { repository } = fleet;
  const other = writeManifest(testManifest('1.3.0'));
  const info = { length: other.length, hashes: { sha256: sha256Of(other) } };
  const targets = Object.fromEntries(
    ['releases/1.4.0/linux-arm64', 'releases/1.3.0/linux-x64'].map((path) => [`${path}/manifest.json`, info]),
  );
  repository.put(
    '3.targets.json',
    forge(changed(repository.targets, { version: 3, targets }), repository.keys.targets),
  );
  forgeAbove(fleet, repository.text('3.targets.json'));
  repository.files.set(manifestPath('1.4.0', 'linux-arm64', other), other);
  repository.files.set(manifestPath('1.3.0', 'linux-x64', other), other);
  const trusted = await fleet.update();
  for (const [version, target] of [
    ['1.4.0', 'linux-arm64'],
    ['1.3.0', 'linux-x64'],
  ] as const) {
    await refusal(
      trusted.manifest(version, target),
      'metadata-refused',
      /is the manifest of 1\.3\.0 for linux-arm64/,
    );
  }
});

test('a target without a SHA-256, and one that a role below signed, are none', async ({ fleet }) => {
  const { repository } = fleet;
  const bytes = writeManifest(testManifest('1.4.0'));
  const name = 'releases/1.4.0/linux-arm64/manifest.json';
  const put = (change: object, version: number) => {
    repository.put(
      `${version}.targets.json`,
      forge(changed(repository.text('2.targets.json'), { version, ...change }), repository.keys.targets),
    );
    forgeAbove(fleet, repository.text(`${version}.targets.json`));
  };
  put({ targets: { [name]: { length: bytes.length, hashes: {} } } }, 3);
  await refusal((await fleet.update()).manifest('1.4.0', 'linux-arm64'), 'metadata-refused', /no SHA-256/);
  const helper = newKey();
  const keyid = 'ab'.repeat(32);
  const roles = [{ name: 'helper', keyids: [keyid], threshold: 1, terminating: false, paths: ['*/*/*/*'] }];
  put({ targets: {}, delegations: { keys: { [keyid]: helper.key }, roles } }, 4);
  await refusal((await fleet.update()).manifest('1.4.0', 'linux-arm64'), 'release-unknown', /1\.4\.0/);
  assert.not.ok(fleet.server.asked.some((path) => path.includes('helper')));
});

test('a server that fails is not one that has no newer root', async ({ fleet }) => {
  fleet.server.answers.set(metadata('2.root.json'), (_, response) => {
    response.statusCode = 500;
    response.end();
  });
  await fleet.refuses('source-failed', /2\.root\.json did not come: status 500/);
  fleet.server.answers.set(metadata('2.root.json'), (request) => request.socket.destroy());
  await fleet.refuses('source-failed', /2\.root\.json did not come/);
  fleet.server.answers.clear();
  fleet.repository.files.delete(metadata('2.targets.json'));
  await fleet.refuses('source-failed', /the repository has no metadata\/2\.targets\.json/);
});

test.run();
