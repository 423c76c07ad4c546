// @long
// When what the launcher fell back to cannot use the configuration, which a newer release has understood.
import { mkdir, writeFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readBootState, readResult } from '../slots/index.ts';
import { LaunchedSite, quick } from './test-launches.ts';

const test = suite('the launcher, behind a release that knows more');

/** What systemd does not start again. */
const final = 78;

let site: LaunchedSite;
test.before.each(async () => {
  site = await LaunchedSite.open();
  await mkdir(site.layout.boot.folder);
});
test.after.each(() => site.close());

async function runs(count: number): Promise<(number | string)[]> {
  const codes = [];
  for (let run = 0; run < count; run++) codes.push(await site.run(quick));
  return codes;
}

test('a release that dies is gone back to where what came with the image cannot use its configuration', async () => {
  await site.release('a', 'exit 1');
  await site.release('factory', 'exit 2');
  await writeFile(site.layout.boot.state, 'current=a\n');
  assert.equal(await runs(5), [1, 1, 1, 1, 1], 'it is started again and again');
  assert.equal(site.slotsStarted(), ['a', 'a', 'a', 'factory', 'a']);
  assert.equal(
    [await readBootState(site.layout), await readResult(site.layout)],
    [{ current: 'a', trial: undefined }, undefined],
  );
});

test('so it is where the other slot was tried between the two', async () => {
  await site.release('a', 'exit 1');
  await site.release('b', 'exit 2');
  await site.release('factory', 'exit 2');
  await writeFile(site.layout.boot.state, 'current=a\n');
  assert.equal(await runs(6), [1, 1, 1, 1, 1, 1]);
  assert.equal(site.slotsStarted(), ['a', 'a', 'a', 'b', 'factory', 'a']);
});

test('a configuration that no release can use stays one that only a person mends', async () => {
  await site.release('factory', 'exit 2');
  assert.equal(await runs(2), [final, final]);
  await site.release('a', 'exit 2');
  await writeFile(site.layout.boot.state, 'current=a\n');
  assert.equal(await runs(2), [final, final]);
  assert.is((await readBootState(site.layout)).current, 'a');
});

test.run();
