// Which of the base systems that are kept is taken where no mirror is asked.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { baseFor } from './base.ts';
import { boardOf } from './boards.ts';
import { keyOf, recipeOf } from './recipe.ts';
import { stepsTo } from './steps.ts';

const test = suite('base systems that are kept');

test('the newest that is whole', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'loadline-bases-'));
  const hook = (name: string) => readFileSync(join(import.meta.dirname, 'initramfs', name), 'utf8');
  const board = boardOf('rpi4');
  const recipe = keyOf(recipeOf(board, { hook: hook('hook'), 'loadline-grow': hook('loadline-grow') }), []);
  const bases = join(cache, 'bases');
  mkdirSync(bases);
  const keep = (name: string, seconds: number, packages?: string) => {
    const path = join(bases, `${name}.tar`);
    writeFileSync(path, '');
    utimesSync(path, seconds, seconds);
    if (packages !== undefined) writeFileSync(`${path}.json`, packages);
  };
  keep(`${recipe}-older`, 1000, '[]');
  keep(`${recipe}-newer`, 2000, '[{"name":"one","version":"1"}]');
  keep(`${recipe}-cut-off`, 3000);
  keep('other-newest', 4000, '[]');
  const steps = stepsTo(() => {}, new AbortController().signal);
  assert.equal(await baseFor(board, cache, 'kept', steps), {
    key: 'newer',
    path: join(bases, `${recipe}-newer.tar`),
    packages: [{ name: 'one', version: '1' }],
  });
  rmSync(cache, { recursive: true });
});

test.run();
