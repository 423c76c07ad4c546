import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

function bench(...args: string[]) {
  return spawnSync(process.execPath, [...process.execArgv, join(import.meta.dirname, 'main.ts'), ...args], {
    encoding: 'utf8',
  });
}

test('an unknown bench, none and an unknown option are usage errors that name every bench', () => {
  const names = bench('--list').stdout.trim().split('\n').join(', ');
  for (const args of [['nonsense'], [], ['--nonsense']]) {
    const { status, stdout, stderr } = bench(...args);
    assert.equal([status, stdout], [2, '']);
    assert.match(stderr, `Benches: ${names}`);
  }
});

test('figures of another stretch than the usual one are not kept', () => {
  const { status, stdout, stderr } = bench('framer', '--keep', '--seconds', '1');
  assert.equal([status, stdout], [2, '']);
  assert.match(stderr, 'leave --seconds out');
});

test('asked for help it names every bench, and that is no error', () => {
  const { status, stdout } = bench('--help');
  assert.is(status, 0);
  assert.match(stdout, `Benches: ${bench('--list').stdout.trim().split('\n').join(', ')}`);
});

test.run();
