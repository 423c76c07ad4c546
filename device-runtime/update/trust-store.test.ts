import fs, { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestFleet } from './attacked-fleet.ts';
import { day, TestRepository } from './attacked-repository.ts';

const test = suite<{ fleet: TestFleet }>('what a gateway believes of releases');

test.before.each(async (context) => {
  context.fleet = await TestFleet.start();
  context.fleet.repository.release('1.4.0');
});
test.after.each(({ fleet }) => fleet.stop());

const files = (fleet: TestFleet) => ['trust.json', 'trust-copy.json'].map((name) => join(fleet.folder, name));
const older = /New timestamp version \d+ is less than/;

test('is remembered twice, so that a damaged file lets nothing older in', async ({ fleet }) => {
  const { repository, server } = fleet;
  const before = repository.copy();
  repository.release('1.5.0');
  for (const spoil of [
    (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 700)),
    (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace(/expires/, 'expired')),
    (path: string) => writeFileSync(path, ''),
    (path: string) => rmSync(path),
  ]) {
    for (const which of [0, 1]) {
      server.files = repository.files;
      await fleet.update();
      spoil(files(fleet)[which] ?? '');
      server.files = before;
      await fleet.refuses('metadata-refused', older);
      server.files = repository.files;
      await fleet.update();
      const [first, copy] = files(fleet).map((path) => readFileSync(path, 'utf8'));
      assert.is(first, copy);
      assert.is(statSync(files(fleet)[which] ?? '').mode & 0o777, 0o600);
    }
  }
  assert.ok(fleet.logged.some((line) => line.includes('trust-damaged')));
});

test('begins anew from the root it was built to trust where both are damaged, and says so', async ({
  fleet,
}) => {
  fleet.repository.rotate('root');
  fleet.repository.rotate('targets');
  await fleet.update();
  for (const path of files(fleet)) writeFileSync(path, 'x');
  assert.ok(await (await fleet.update()).manifest('1.4.0', 'linux-arm64'));
  assert.ok(fleet.logged.some((line) => line.includes('trust-lost')));
});

test('is kept where nothing older is let in, also by a failure half way', async ({ fleet }) => {
  const { repository, server } = fleet;
  const before = repository.copy();
  await fleet.update();
  repository.release('1.5.0');
  server.answers.set(`metadata/${repository.snapshotName}`, (request) => request.socket.destroy());
  await fleet.refuses('source-failed', /snapshot\.json did not come/);
  server.files = before;
  server.answers.clear();
  await fleet.refuses('metadata-refused', older);
});

test('follows another root that came with the software, be it of another repository', async ({ fleet }) => {
  const { server } = fleet;
  fleet.repository.rotate('root');
  await fleet.update();
  const other = new TestRepository(fleet.repository.now);
  other.release('2.0.0');
  server.files = other.files;
  await fleet.refuses('metadata-refused', /signed by 0\/1 keys/);
  fleet.root = other.root;
  assert.ok(await (await fleet.update()).manifest('2.0.0', 'linux-arm64'));
  fleet.root = other.root.replace(/"sig": "../, '"sig": "00');
  await fleet.refuses('metadata-refused', /the root that it was built to trust does not hold/, {
    folder: `${fleet.folder}-2`,
  });
});

test('is not what a full disk left of it', async ({ fleet }) => {
  const { repository, server } = fleet;
  const before = repository.copy();
  await fleet.update();
  repository.release('1.5.0');
  // tuf-js writes in place; of its timestamp only half gets onto the disk.
  const whole = fs.writeFileSync;
  const full = mock.method(fs, 'writeFileSync', (path: string, content: string) => {
    whole(path, content.slice(0, content.length / 2));
    throw new Error('ENOSPC: no space left on device');
  });
  await fleet.refuses('storage-failed', /timestamp\.json was not written whole/);
  full.mock.restore();
  server.files = before;
  await fleet.update();
  server.files = repository.files;
  await fleet.update();
  server.files = before;
  await fleet.refuses('metadata-refused', older);
});

test('is not read by two at once, and a disk that takes nothing is named', async ({ fleet }) => {
  const results = await Promise.allSettled([fleet.update(), fleet.update()]);
  const failed = results.filter((result) => result.status === 'rejected');
  assert.is(failed.length, 1);
  assert.match(failed[0]?.reason.message, /is in use by process/);
  assert.is(failed[0]?.reason.code, 'storage-failed');
  await fleet.update();
  fleet.pass(4 * day);
  fleet.repository.sign();
  const [first = ''] = files(fleet);
  rmSync(first);
  mkdirSync(first);
  await fleet.refuses('storage-failed', /trust/);
});

test.run();
