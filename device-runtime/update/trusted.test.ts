import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal, TestFleet } from './attacked-fleet.ts';
import { changed, day, forge, testManifest, versionOf } from './attacked-repository.ts';
import { stagedFolder } from './release-source.ts';

const test = suite<{ fleet: TestFleet }>('trusted releases');

test.before.each(async (context) => {
  context.fleet = await TestFleet.start();
});
test.after.each(({ fleet }) => fleet.stop());

test('are those that the repository has signed, and no others', async ({ fleet }) => {
  fleet.repository.release('1.4.0');
  const trusted = await fleet.update();
  const { bytes, manifest } = await trusted.manifest('1.4.0', 'linux-arm64');
  assert.equal(manifest, testManifest('1.4.0'));
  assert.equal(JSON.parse(bytes.toString('utf8')), manifest);
  await refusal(trusted.manifest('1.4.0', 'linux-x64'), 'release-unknown', /1\.4\.0 for linux-x64/);
  await refusal(trusted.manifest('1.5.0', 'linux-arm64'), 'release-unknown', /withdrawn, or never made/);
  fleet.repository.withdraw('1.4.0');
  await refusal((await fleet.update()).manifest('1.4.0', 'linux-arm64'), 'release-unknown', /1\.4\.0/);
});

test('are none below the floor, though they are signed, and none at all where the floor cannot be read', async ({
  fleet,
}) => {
  const { repository } = fleet;
  for (const version of ['1.4.0', '1.5.0-rc.1', '1.5.0']) repository.release(version);
  const say = (floor: unknown) => {
    const version = versionOf(repository.targets) + 1;
    const signed = changed(repository.targets, { version, oldest_release: floor });
    repository.put(`${version}.targets.json`, forge(signed, repository.keys.targets));
    repository.sign();
  };
  say('1.5.0');
  const trusted = await fleet.update();
  for (const version of ['1.4.0', '1.5.0-rc.1']) {
    await refusal(trusted.manifest(version, 'linux-arm64'), 'release-too-old', /older than 1\.5\.0/);
  }
  assert.is((await trusted.manifest('1.5.0', 'linux-arm64')).manifest.version, '1.5.0');
  for (const floor of ['newest', null]) {
    say(floor);
    const unknown = await fleet.update();
    await refusal(unknown.manifest('1.5.0', 'linux-arm64'), 'metadata-refused', /is no version/);
  }
});

test('are found by a gateway that was away for years, through every role having new keys', async ({
  fleet,
}) => {
  const { repository } = fleet;
  await fleet.update();
  for (let year = 0; year < 3; year++) {
    for (const role of ['root', 'targets', 'snapshot', 'timestamp'] as const) {
      fleet.pass(90 * day);
      repository.rotate(role);
    }
  }
  fleet.pass(day);
  repository.release('9.0.0');
  const trusted = await fleet.update();
  assert.is((await trusted.manifest('9.0.0', 'linux-arm64')).manifest.version, '9.0.0');

  // All of that by way of a folder, to somebody who knows no more than the first root.
  const evidence = await trusted.evidence();
  assert.equal(
    evidence.map(({ name }) => name).filter((name) => name.endsWith('root.json')),
    Array.from({ length: 12 }, (_, index) => `${index + 2}.root.json`),
  );
  const { bytes } = await trusted.manifest('9.0.0', 'linux-arm64');
  const staging = join(fleet.folder, '..', 'staging');
  mkdirSync(join(staging, 'metadata'), { recursive: true });
  for (const { name, content } of evidence) writeFileSync(join(staging, 'metadata', name), content);
  writeFileSync(join(staging, 'manifest.json'), bytes);
  const elsewhere = { folder: join(fleet.folder, '..', 'installer'), source: stagedFolder(staging) };
  const second = await fleet.update(elsewhere);
  assert.equal((await second.manifest('9.0.0', 'linux-arm64')).bytes, bytes);

  // Again, and it is believed already. Then what is staged is not what was signed.
  writeFileSync(join(staging, 'manifest.json'), bytes.subarray(1));
  const third = await fleet.update(elsewhere);
  await refusal(third.manifest('9.0.0', 'linux-arm64'), 'metadata-refused', /Expected length/);
  await refusal(third.manifest('9.0.0', 'linux-x64'), 'release-unknown', /linux-x64/);
});

test('take nothing from a staging folder by way of a link, a fifo or a folder', async ({ fleet }) => {
  fleet.repository.release('1.4.0');
  const staging = join(fleet.folder, '..', 'staging');
  const metadata = join(staging, 'metadata');
  const secret = join(fleet.folder, '..', 'secret');
  writeFileSync(secret, 'root:secret');
  const fill = () => {
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(metadata, { recursive: true });
    for (const name of [fleet.repository.snapshotName, '2.targets.json', 'timestamp.json']) {
      writeFileSync(join(metadata, name), fleet.repository.text(name));
    }
  };
  const source = stagedFolder(staging);
  fill();
  await fleet.update({ source, folder: `${fleet.folder}-1` });
  const spoil: [() => void, RegExp][] = [
    [() => symlinkSync(secret, join(metadata, 'timestamp.json')), /ELOOP/],
    [() => execFileSync('mkfifo', [join(metadata, 'timestamp.json')]), /not a file/],
    [() => mkdirSync(join(metadata, 'timestamp.json')), /not a file/],
    [
      () => {
        rmSync(metadata, { recursive: true });
        symlinkSync(join(fleet.folder, '..'), metadata);
      },
      /ENOTDIR|ELOOP/,
    ],
  ];
  for (const [put, piece] of spoil) {
    fill();
    rmSync(join(metadata, 'timestamp.json'));
    put();
    await fleet.refuses('source-failed', piece, { source, folder: `${fleet.folder}-2` });
  }
  // What a file that is no metadata says is not told.
  fill();
  writeFileSync(join(metadata, 'timestamp.json'), 'root:secret');
  await fleet.refuses('metadata-refused', /timestamp\.json does not hold: it is no JSON$/, {
    source,
    folder: `${fleet.folder}-3`,
  });
});

test.run();
