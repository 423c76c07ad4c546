import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findScenarios } from './scenarios.ts';

const test = suite('npm run hil');
const root = join(import.meta.dirname, '../..');

function hil(...args: string[]) {
  return spawnSync(process.execPath, [...process.execArgv, join(import.meta.dirname, 'main.ts'), ...args], {
    encoding: 'utf8',
  });
}

test('every scenario says what it is about, and the list shows it', () => {
  const scenarios = findScenarios(root);
  const { status, stdout } = hil('--list');
  assert.is(status, 0);
  for (const { name, what } of scenarios) assert.ok(stdout.includes(name) && stdout.includes(what), name);
  assert.ok(scenarios.length > 15);
});

test('what there is not, and what makes no sense, is a usage error that says so', () => {
  assert.equal(
    [hil('--scenario', 'sunshine').status, hil().status, hil('--seed', 'x', '--all').status],
    [2, 2, 2],
  );
  assert.match(hil('--scenario', 'sunshine').stderr, 'there is no scenario sunshine');
});

test.run();
