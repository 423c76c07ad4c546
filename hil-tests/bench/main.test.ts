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

test('asked for help it names every bench, and that is no error', () => {
  const { status, stdout } = bench('--help');
  assert.is(status, 0);
  assert.match(stdout, `Benches: ${bench('--list').stdout.trim().split('\n').join(', ')}`);
});

test.run();
