import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolvedFrom, sourcesFrom } from './apt.ts';
import { boardNames, boardOf } from './boards.ts';
import { keyOf, mmdebstrapWords, recipeOf } from './recipe.ts';

const test = suite('base system');
const keyring = '/keys.gpg';

test("sources are this machine's own mirrors, with the Debian of images", () => {
  const targets = [
    'Packages http://mirror.example/debian/ trixie main',
    'Packages http://mirror.example/debian/ trixie-updates main',
    'Packages http://other.example/security trixie-security main',
    'Packages http://mirror.example/debian/ trixie contrib',
    'Translations http://mirror.example/debian/ trixie main',
    'Packages https://packages.example/repo nodistro main',
    'Packages http://mirror.example/ubuntu noble main',
    '',
  ].join('\n');
  const options = 'deb [arch=arm64 signed-by=/keys.gpg]';
  assert.equal(sourcesFrom(targets, keyring), [
    `${options} http://mirror.example/debian/ bookworm main non-free-firmware`,
    `${options} http://mirror.example/debian/ bookworm-updates main non-free-firmware`,
    `${options} http://other.example/security bookworm-security main non-free-firmware`,
  ]);
  assert.throws(
    () => sourcesFrom('Packages http://mirror.example/ubuntu noble main\n', keyring),
    /no mirror of Debian/,
  );
});

test('what apt would install is read with its versions', () => {
  const simulated =
    'NOTE: this is only a simulation\nInst zstd (1.5.4 Debian:12/stable [arm64])\nInst base-files (12.4+deb12u5 Debian:12.5/stable [arm64])\nConf zstd (1.5.4)\n';
  assert.equal(resolvedFrom(simulated), [
    { name: 'base-files', version: '12.4+deb12u5' },
    { name: 'zstd', version: '1.5.4' },
  ]);
  assert.throws(() => resolvedFrom('E: Unable to locate package'), /Unable to locate/);
});

const hooks = { hook: '#!/bin/sh\n', 'loadline-grow': '#!/bin/sh\n' };

test('a base system is another one where a package, a version or a script of it is another', () => {
  const recipe = recipeOf(boardOf('generic-arm64'), hooks);
  const versions = ['a 1', 'b 2'];
  assert.is(keyOf(recipe, versions), keyOf(recipeOf(boardOf('generic-arm64'), hooks), ['b 2', 'a 1']));
  const others = [
    keyOf(recipe, ['a 1', 'b 3']),
    keyOf(recipeOf(boardOf('rpi4'), hooks), versions),
    keyOf(recipeOf(boardOf('generic-arm64'), { ...hooks, hook: '' }), versions),
  ];
  assert.is(new Set([...others, keyOf(recipe, versions)]).size, 4);
  assert.is(
    keyOf(recipeOf(boardOf('rpi3'), hooks), versions),
    keyOf(recipeOf(boardOf('rpi4'), hooks), versions),
  );
});

test('no image has a program that waits for somebody, nor one to install more', () => {
  for (const name of boardNames) {
    const { packages } = recipeOf(boardOf(name), hooks);
    for (const unwanted of ['openssh-server', 'apt', 'avahi-daemon', 'sudo', 'cron', 'rsyslog']) {
      assert.not.ok(packages.includes(unwanted));
    }
  }
});

test('mmdebstrap is called with the filters in their order, and without a mirror', () => {
  const recipe = recipeOf(boardOf('rpi3'), hooks);
  const words = mmdebstrapWords(recipe, { skeleton: '/s', packages: '/p' }, '/out.tar');
  assert.equal(words.slice(-3), ['bookworm', '/out.tar', '-']);
  const filters = words.filter((word) => word.startsWith('--dpkgopt=path-'));
  const at = (text: string) => filters.findIndex((word) => word.endsWith(text));
  assert.ok(at('exclude=/lib/modules/*/kernel/drivers/scsi/*') >= 0);
  assert.ok(
    at('include=/lib/modules/*/kernel/drivers/scsi/sd_mod.ko') >
      at('exclude=/lib/modules/*/kernel/drivers/scsi/*'),
  );
  assert.not.ok(words.some((word) => word.includes('://')));
});

test.run();
