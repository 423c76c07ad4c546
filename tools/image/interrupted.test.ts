// An image takes minutes: who ends its build ends all of it, and finds no half of anything afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until } from '@loadline/hil-tests';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBuiltRelease } from '../release/run-release.ts';

const test = suite<{ folder: string }>('the build of an image, interrupted');

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-image-ended-'));
  const { folder } = context;
  const release = { version: '1.0.0', target: 'linux-arm64' } as const;
  writeBuiltRelease(join(folder, 'release'), release, { 'bin/node': 'node', 'gateway.mjs': 'gateway' });
  writeFileSync(join(folder, 'maker.pem'), '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
  mkdirSync(join(folder, 'programs'));
  const program = (name: string, script: string) =>
    writeFileSync(join(folder, 'programs', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program(
    'apt-get',
    `case "$*" in
  *indextargets*) echo "Packages http://mirror.example/debian bookworm main" ;;
  *--simulate*) echo "Inst some (1.0 Debian:12 [arm64])" ;;
esac`,
  );
  program('mmdebstrap', `echo $$ >${join(folder, 'pid')}; exec sleep 600`);
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

test('what runs for it is ended, what it has half made is gone, and it says so', async ({ folder }) => {
  const inputs = [
    '--release',
    join(folder, 'release'),
    '--maker',
    join(folder, 'maker.pem'),
    '--never-updates',
  ];
  const places = ['--cache', join(folder, 'cache'), '--out', join(folder, 'out/x.img')];
  const words = ['image', 'build', '--board', 'rpi4', ...inputs, ...places];
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, '../main.ts'), ...words],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${join(folder, 'programs')}:${process.env.PATH}` },
    },
  );
  const said = text(child.stderr);
  const ended = once(child, 'exit');
  const isHalfMade = () => readdirSync(join(folder, 'cache/bases')).some((name) => name.startsWith('.base-'));
  await until(() => existsSync(join(folder, 'pid')), {
    limitMs: 30_000,
    what: 'the base system is being made',
  });
  assert.ok(isHalfMade());
  const pid = Number(await until(() => readFileSync(join(folder, 'pid'), 'utf8').trim()));
  child.kill('SIGTERM');
  assert.equal(await ended, [1, null]);
  assert.match(await said, /interrupted \(SIGTERM\): no image was made/);
  assert.not.ok(isHalfMade(), 'what was half made is there still');
  assert.throws(() => process.kill(pid, 0), /ESRCH/, 'mmdebstrap runs still');
});

test.run();
