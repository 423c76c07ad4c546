import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from './debian.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-debian-'));
const PATH = process.env.PATH;

function writeCommand(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

test.after.each(() => {
  process.env.PATH = PATH;
});

test('a command that is there needs nothing', async () => {
  assert.is(await needs('sh'), true);
});

test('without apt-get the reason is one line that names the command', async () => {
  process.env.PATH = folder;
  assert.match(String(await needs('strace')), /^strace is not installed, .*apt-get[^\n]*$/);
});

// Only root installs; the apt-get on this path stands in for Debian's, which would need a network.
const asRoot = process.getuid?.() === 0 ? test : test.skip;
if (asRoot !== test) console.log('skipped: installing a missing command: not root');

asRoot('root installs a missing command once, however many ask', async () => {
  const log = join(folder, 'log');
  writeCommand(
    'apt-get',
    `echo "$1" >> ${log}; [ "$1" = update ] || { printf '#!/bin/sh\\n' > ${folder}/newcomer; chmod 755 ${folder}/newcomer; }`,
  );
  process.env.PATH = `${folder}:${PATH}`;
  assert.equal(await Promise.all([needs('newcomer'), needs('newcomer')]), [true, true]);

  assert.is(readFileSync(log, 'utf8'), 'update\ninstall\n');
});

asRoot('a failed installation is told with its last line', async () => {
  writeCommand('apt-get', 'echo "E: no such package" >&2; exit 100');
  process.env.PATH = `${folder}:${PATH}`;
  assert.is(await needs('nonesuch'), 'apt-get install nonesuch failed: E: no such package');
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
