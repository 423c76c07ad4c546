import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

function loadline(...args: string[]) {
  return spawnSync(process.execPath, [...process.execArgv, join(import.meta.dirname, 'main.ts'), ...args], {
    encoding: 'utf8',
  });
}

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));
  const { status, stdout } = loadline('--version');
  assert.equal([status, stdout], [0, `${version}\n`]);
});

test('help is told on standard output, and is no error', () => {
  const { status, stdout } = loadline('--help');
  assert.is(status, 0);
  assert.match(stdout, 'Usage: loadline');
});

test('what is done on the state folder of a cloud is told by the cloud itself, with its exit codes', () => {
  const help = loadline('cloud', 'rekey', '--help');
  assert.is(help.status, 0);
  assert.match(help.stdout, 'Encrypts the database with another key');
  const { status, stderr } = loadline('cloud', 'backup', '--state', '/nowhere', '--to', '/nowhere/else');
  assert.is(status, 2);
  assert.match(stderr, '/nowhere is not the state folder of a cloud');
});

for (const args of [['nonsense'], ['--nonsense']]) {
  test(`${args} is a usage error: code 2, and where help is`, () => {
    const { status, stdout, stderr } = loadline(...args);
    assert.equal([status, stdout], [2, '']);
    assert.match(stderr, /nonsense.*loadline --help/s);
  });
}

test('what a subcommand was not given is told with where the help of that subcommand is', () => {
  const { status, stderr } = loadline('release', 'sign', '--folder', '/nowhere');
  assert.is(status, 2);
  assert.match(stderr, "'--repository <dir>' not specified\nRun 'loadline release sign --help'");
});

test('whoever closes the output early ends the command without a word, as a pipe does', () => {
  const command = [process.execPath, ...process.execArgv, join(import.meta.dirname, 'main.ts'), '--help'];
  // What reads has ended before the command begins.
  const script = 'exec 3> >(:); wait $!; "$@" >&3; echo $?';
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  assert.equal([stdout, stderr], ['141\n', '']);
});

test.run();
