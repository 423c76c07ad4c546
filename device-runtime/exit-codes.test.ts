import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeAuthority } from './uplink/test-fleet.ts';

const test = suite('what a gateway that cannot open ends with');

const program = join(import.meta.dirname, 'main.ts');
const { certificatePem } = await makeAuthority();
let folder: string;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-exit-'));
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'authority.pem'), certificatePem);
  writeFileSync(
    join(folder, 'gateway.toml'),
    `[gateway]
id = "gateway-1"
state = "state"
[uplink]
host = "localhost"
authority = "authority.pem"
[[ports]]
name = "radio"
path = "/dev/null"
`,
  );
});
test.after.each(() => rmSync(folder, { recursive: true }));

function run(...words: string[]) {
  const { status, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, program, ...words, '--config', join(folder, 'gateway.toml')],
    { encoding: 'utf8', timeout: 30_000 },
  );
  return { status, stderr };
}

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

(mayMount ? test : test.skip)('a disk that takes nothing may be mended: 1, and it is started again', () => {
  const state = join(folder, 'state');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', state]);
  try {
    const { status, stderr } = run();
    assert.match(stderr, /EROFS/);
    assert.is(status, 1);
  } finally {
    execFileSync('umount', [state]);
  }
});

test('an authority that is none is mended by nobody but a person: 2', () => {
  writeFileSync(join(folder, 'authority.pem'), 'none');
  const { status, stderr } = run();
  assert.match(stderr, 'has no certificate');
  assert.is(status, 2);
});

test.run();
