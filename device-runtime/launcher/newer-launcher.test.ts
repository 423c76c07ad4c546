// @long
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confirmLauncher } from '../slots/index.ts';
import { ended, LaunchedSite, launcherPath } from './test-launches.ts';

const test = suite('a newer launcher');

let site: LaunchedSite;
test.before.each(async () => {
  site = await LaunchedSite.open();
});
test.after.each(() => site.close());

/** Puts a newer launcher into the store, which says so and does `more` before it goes on as this one. */
async function newerLauncher(version: number, more = ''): Promise<void> {
  const text = (await readFile(launcherPath, 'utf8')).replace(/^version=.*$/m, `version=${version}\n${more}`);
  await mkdir(site.layout.launcher.folder, { recursive: true });
  await writeFile(site.layout.launcher.program, text);
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(site.layout.launcher.digest, `${digest} ${version}\n`);
}

async function stageOfOneRun(): Promise<string> {
  const before = site.notes('started').length;
  const child = site.launch('run');
  await site.starts(before + 1);
  child.kill('SIGTERM');
  await ended(child);
  return site.notes('started').at(-1)?.stage ?? '0';
}

test('a newer launcher that is whole takes over, and is given up after three starts that nobody confirmed', async () => {
  await newerLauncher(1000);
  assert.equal(
    [await stageOfOneRun(), await stageOfOneRun(), await stageOfOneRun(), await stageOfOneRun()],
    ['1', '1', '1', '0'],
  );
  // Another one begins anew, and one that is confirmed at each start goes on.
  await newerLauncher(1001);
  for (let start = 0; start < 4; start++) {
    assert.is(await stageOfOneRun(), '1');
    await confirmLauncher(site.layout, { LOADLINE_STAGE: '1' });
  }
});

test('one that is not newer, not whole, or without its digest is left alone', async () => {
  await newerLauncher(1);
  assert.is(await stageOfOneRun(), '0');
  await newerLauncher(1000);
  await writeFile(
    site.layout.launcher.program,
    (await readFile(site.layout.launcher.program)).subarray(0, -1),
  );
  assert.is(await stageOfOneRun(), '0');
  await newerLauncher(1000);
  await rm(site.layout.launcher.digest);
  assert.is(await stageOfOneRun(), '0');
  await writeFile(site.layout.launcher.digest, 'x');
  assert.is(await stageOfOneRun(), '0');
});

test('one that is broken costs three starts, with no code that is final, and then the old one works', async () => {
  for (const fault of ['if', 'exit 3', 'echo "$nothing"']) {
    await rm(site.layout.boot.folder, { recursive: true, force: true });
    await newerLauncher(1000, fault);
    for (let start = 0; start < 3; start++) assert.not([0, 78].includes((await site.run()) as number));
    assert.is(await stageOfOneRun(), '0');
  }
});

test.run();
