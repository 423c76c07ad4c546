// The npm cache of a newcomer: of root's, everything is there, and nothing that is written comes back.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Newcomer } from './newcomer.ts';

const test = suite('newcomer');

const folder = mkdtempSync(join(tmpdir(), 'loadline-newcomer-test-'));
test.after(() => rmSync(folder, { recursive: true }));

test('npm may note a package that it knows of already, and whoever runs the test does not get that note', () => {
  const note = '_cacache/index-v5/aa/bb/cc';
  const contents = '_cacache/content-v2/dd/ee';
  for (const path of [note, contents]) {
    mkdirSync(dirname(join(folder, 'cache', path)), { recursive: true });
    writeFileSync(join(folder, 'cache', path), 'known\n');
  }
  mkdirSync(join(folder, 'package/examples'), { recursive: true });
  const tarball = join(folder, 'loadline-hil-tests-0.0.0.tgz');
  execFileSync('tar', ['-czf', tarball, '-C', folder, 'package']);
  process.env.npm_config_cache = join(folder, 'cache');
  const newcomer = new Newcomer([tarball]);
  try {
    const { status, output } = newcomer.types(
      `cat $npm_config_cache/${contents}; echo noted >> $npm_config_cache/${note}; cat $npm_config_cache/${note}`,
    );
    assert.equal([output, status], ['known\nknown\nnoted\n', 0]);
    // Who is not root is the newcomer, and has one cache.
    if (process.getuid?.() === 0) assert.is(readFileSync(join(folder, 'cache', note), 'utf8'), 'known\n');
  } finally {
    newcomer.leave();
  }
});

test.run();
