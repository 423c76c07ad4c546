import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from '../cloud/outcome.ts';
import { readSources } from './sources.ts';

const test = suite<{ root: string }>('what git says of a checkout');

const time = 1_790_000_000;
const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

function git(root: string, ...args: string[]): string {
  const dates = { GIT_AUTHOR_DATE: `${time} +0900`, GIT_COMMITTER_DATE: `${time} +0900` };
  return execFileSync('git', [...who, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...dates },
  });
}

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'loadline-sources-'));
  git(context.root, 'init', '--quiet');
  writeFileSync(join(context.root, '.gitignore'), 'dist/\n');
  writeFileSync(join(context.root, 'main.ts'), 'one');
  git(context.root, 'add', '.');
  git(context.root, 'commit', '--quiet', '--message=One');
});
test.after.each(({ root }) => rmSync(root, { recursive: true }));

test('names the commit and its time, wherever the committer was', ({ root }) => {
  const commit = git(root, 'rev-parse', 'HEAD').trim();
  assert.equal(readSources(root, 'refused'), { commit, committed: time, dirty: undefined });
});

test('does not mind what is ignored', ({ root }) => {
  execFileSync('mkdir', [join(root, 'dist')]);
  writeFileSync(join(root, 'dist/made'), 'x');
  assert.is(readSources(root, 'refused').dirty, undefined);
});

for (const [what, change] of [
  ['a changed file', (root: string) => writeFileSync(join(root, 'main.ts'), 'two')],
  ['a new file', (root: string) => writeFileSync(join(root, 'new.ts'), 'new')],
  ['a removed file', (root: string) => rmSync(join(root, 'main.ts'))],
] as const) {
  test(`refuses ${what}, by its name`, ({ root }) => {
    change(root);
    const name = what === 'a new file' ? 'new.ts' : 'main.ts';
    assert.throws(
      () => readSources(root, 'refused'),
      (error: Error) =>
        error instanceof CalledWrongly &&
        error.message.includes(name) &&
        error.message.includes('--allow-dirty'),
    );
  });

  test(`tells ${what} from other changes where it is allowed`, ({ root }) => {
    change(root);
    const { dirty = '' } = readSources(root, 'allowed');
    assert.match(dirty, /^d[0-9a-f]{8}$/);
    assert.is(readSources(root, 'allowed').dirty, dirty);
    writeFileSync(join(root, 'another.ts'), 'another');
    assert.is.not(readSources(root, 'allowed').dirty, dirty);
  });
}

test('says what to do where there is no git to ask', ({ root }) => {
  rmSync(join(root, '.git'), { recursive: true });
  assert.throws(
    () => readSources(root, 'refused'),
    (error: Error) => error instanceof CalledWrongly && error.message.includes('a clone of the repository'),
  );
});

test.run();
