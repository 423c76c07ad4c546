import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PhysicalAct } from './physical-act.ts';

const test = suite('the physical act');

let root: string;
let file: string;
test.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-act-'));
  file = join(root, 'act');
});
test.after.each(() => rm(root, { recursive: true }));

test('a file that is neither empty nor 0 is one; none, an empty one and an open contact are not', async () => {
  const act = await PhysicalAct.open(file, root);
  assert.is(await act.look(), false);
  for (const [content, isDone] of [
    ['', false],
    ['\n', false],
    ['0\n', false],
    ['1\n', true],
    ['yes', true],
  ] as const) {
    await writeFile(file, content);
    assert.is(await act.look(), isDone, JSON.stringify(content));
  }
  assert.is(await (await PhysicalAct.open(root, root)).look(), false);
});

test('it counts once, in another process too, until it was undone', async () => {
  await writeFile(file, '1');
  const act = await PhysicalAct.open(file, root);
  await act.spend();
  assert.is(await act.look(), false);
  const restarted = await PhysicalAct.open(file, root);
  assert.is(await restarted.look(), false);
  await rm(file);
  assert.is(await restarted.look(), false);
  await writeFile(file, '1');
  assert.is(await restarted.look(), true);
});

test('what was not done is not spent', async () => {
  const act = await PhysicalAct.open(file, root);
  await act.spend();
  await writeFile(file, '1');
  assert.is(await act.look(), true);
});

test.run();
