import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { traps } from './traps.ts';
import { withoutGuard } from './try-out.ts';

const test = suite('traps');

const root = join(import.meta.dirname, '../..');

test('each has a name of its own', () => {
  const names = traps.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
});

test('each guard stands in its file exactly once, and can be taken out', () => {
  for (const { name, removals } of traps) {
    assert.ok(removals.length > 0, name);
    const sources = new Map<string, string>();
    for (const removal of removals) {
      const { file } = removal;
      const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
      sources.set(file, withoutGuard(source, removal));
      assert.is.not(sources.get(file), source, name);
    }
  }
});

test('each is held by tests that there are', () => {
  for (const { name, heldBy } of traps) {
    assert.ok(heldBy.length > 0, name);
    for (const path of heldBy) assert.ok(existsSync(join(root, path)), `${name}: ${path}`);
  }
});

test.run();
