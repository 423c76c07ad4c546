// @long
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Trap } from './trap.ts';
import { TrapTrials, type Trial, withoutGuard } from './try-out.ts';

const test = suite('a trap that is tried out');

const root = join(import.meta.dirname, '../..');

/** A tree with one guard, and tests of it: one that looks at it, one that does not, and one that fails. */
function smallTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'loadline-traps-'));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  writeFileSync(join(tree, 'bounded.ts'), 'export const most = (value: number) => Math.min(value, 8);\n');
  const tests = { looks: 'most(9), 8', overlooks: 'most(7), 7', fails: 'most(7), 8' };
  for (const [name, said] of Object.entries(tests)) {
    writeFileSync(
      join(tree, `${name}.test.ts`),
      `import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { most } from './bounded.ts';
test('bounded', () => assert.is(${said}));
test.run();
`,
    );
  }
  return tree;
}

test('a trap is held by a test that passes with its guard and fails without it, and by no other', async () => {
  const tree = smallTree();
  const trials: Trial[] = [];
  const tried = new TrapTrials(tree, new AbortController().signal);
  const trap: Trap = {
    name: 'small-bound',
    bites: 'It grows.',
    guard: 'It is bounded.',
    removals: [{ file: 'bounded.ts', text: 'Math.min(value, 8)', by: 'value' }],
    heldBy: ['looks.test.ts', 'overlooks.test.ts', 'fails.test.ts'],
  };
  const before = readFileSync(join(tree, 'bounded.ts'), 'utf8');
  for await (const trial of tried.try(trap)) trials.push(trial);
  assert.equal(
    trials.map(({ test: file, verdict }) => [file, verdict]),
    [
      ['looks.test.ts', 'held'],
      ['overlooks.test.ts', 'open'],
      ['fails.test.ts', 'unsound'],
    ],
  );
  assert.match(trials[0]?.failed ?? '', /"bounded"/);
  assert.is(trials[1]?.failed, '');
  assert.is(readFileSync(join(tree, 'bounded.ts'), 'utf8'), before, 'the guard is put back');
  rmSync(tree, { recursive: true });
});

test('a guard that is not there, or there twice, is an error and not a trial', () => {
  const removal = { file: 'x.ts', text: 'guard();', by: '' };
  assert.is(withoutGuard('a(); guard(); b();', removal), 'a();  b();');
  assert.throws(() => withoutGuard('a();', removal), /0 times/);
  assert.throws(() => withoutGuard('guard(); guard();', removal), /2 times/);
});

test.run();
