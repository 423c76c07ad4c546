// @long
// What `loadline hil` says where it plays nothing.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { discoverTests } from '../runner/discover.ts';
import { abilities } from '../scenario/index.ts';
import { listScenarios, hil as playAll } from './hil.ts';
import { loadScenario, scenarioFile } from './load.ts';
import { publishedScenarios } from './published.ts';

const test = suite('loadline hil');
const root = join(import.meta.dirname, '../..');

function hil(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const words = [...process.execArgv, join(root, 'tools/main.ts'), 'hil', ...args];
    const child = execFile(process.execPath, words, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('lists every scenario and what it is about, and refuses what there is not', async () => {
  const published = publishedScenarios();
  assert.ok(published.length > 15);
  const [list, unknown] = await Promise.all([hil('--list'), hil('sunshine')]);
  assert.is(list.code, 0);
  for (const file of published) {
    const { about } = await loadScenario(file);
    assert.ok(list.stdout.includes(file.name) && list.stdout.includes(about), file.name);
  }
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, 'there is no scenario sunshine');
  const twice = await listScenarios(['gw1', 'elsewhere/gw1.scenario.ts'], () => {}).catch((error) => error);
  assert.match(twice.message, 'two scenarios are called gw1');
});

test('says before it plays that a report or artefacts cannot be left there', async () => {
  const options = { chosen: ['gw1'], bench: { kind: 'virtual' }, seed: 1, jobs: 1, json: true } as const;
  const { signal } = new AbortController();
  const file = join(import.meta.dirname, 'hil.test.ts');
  for (const places of [
    { artefacts: tmpdir(), junit: '/nowhere/r.xml' },
    { artefacts: join(file, 'left'), junit: join(tmpdir(), 'r.xml') },
    // A program that is running: even root may not write to it.
    { artefacts: tmpdir(), junit: process.execPath },
  ]) {
    const refused = await playAll({ ...options, ...places, signal }).catch((error) => error);
    assert.match(refused.message, /^nothing can be left there: E(NOENT|NOTDIR|TXTBSY).*(nowhere|left|node)/);
  }
});

test('says before it plays that a folder is no file, and removes nothing that no scenario left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-hil-'));
  const options = { bench: { kind: 'virtual' }, seed: 1, jobs: 1, json: true } as const;
  const { signal } = new AbortController();
  const refusal = async (of: { chosen: string[]; artefacts: string; junit?: string }) =>
    (await playAll({ ...options, ...of, signal }).catch((error) => error)).message;
  mkdirSync(join(folder, 'gw1'));
  writeFileSync(join(folder, 'gw1/source.ts'), '');
  assert.match(
    await refusal({ chosen: ['gw1'], artefacts: folder }),
    /gw1 is there, and no scenario left it/,
  );
  assert.ok(existsSync(join(folder, 'gw1/source.ts')));
  const left = join(folder, 'left');
  assert.match(
    await refusal({ chosen: ['gw1'], artefacts: left, junit: folder }),
    'is a folder: name a file',
  );
  assert.match(
    await refusal({ chosen: ['gw1'], artefacts: left, junit: '' }),
    "--junit '' is a folder: name a file",
  );
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/gw1'), '');
  assert.match(
    await refusal({ chosen: ['gw1'], artefacts: join(folder, 'files') }),
    /gw1 is there, and no scenario left it/,
  );
  assert.match(
    await refusal({ chosen: ['my/no.scenario.ts'], artefacts: left }),
    /there is no file .*my\/no/,
  );
  const leave = await lockFolder(left);
  assert.match(
    await refusal({ chosen: ['gw1'], artefacts: left }),
    /left is in use by process \d+.*--artefacts/,
  );
  await leave();
  rmSync(folder, { recursive: true });
});

test('a file that is no scenario, needs what no bench has or sets no time is refused with its path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-hil-'));
  const problemOf = async (name: string, source: string) => {
    const path = join(folder, `${name}.scenario.mjs`);
    writeFileSync(path, source);
    return (await listScenarios([path], () => {}).catch((error) => error)).message;
  };
  const one = "about: '', play() {}";
  assert.match(await problemOf('a', 'export default {{{'), /a.scenario.mjs cannot be loaded: SyntaxError/);
  assert.match(
    await problemOf('b', `export default { ${one}, needs: ['unplugg'], timeLimitMs: 1 }`),
    "needs 'unplugg', which is no ability",
  );
  for (const limit of ['Infinity', 'NaN', '0', '2 ** 31']) {
    const source = `export default { ${one}, needs: [], timeLimitMs: ${limit} }`;
    assert.match(await problemOf(`c${limit.length}`, source), 'it must be milliseconds from 1', limit);
  }
  rmSync(folder, { recursive: true });
});

test('every scenario needs what there is a word for, and has in npm test the time that it gives itself', async () => {
  const files = discoverTests(root, ['hil-tests/scenarios/']);
  const said = /@time-limit (\d+) s/;
  for (const { path, name } of publishedScenarios()) {
    const { needs, timeLimitMs } = await loadScenario(scenarioFile(path));
    for (const ability of needs) assert.ok(Object.hasOwn(abilities, ability), `${name}: ${ability}`);
    const file = files.find((one) => path.endsWith(one.path));
    assert.ok(file !== undefined && file.timeLimitMs > timeLimitMs, `${name}: @time-limit`);
    const source = readFileSync(path, 'utf8');
    const [, seconds] = source.match(said) ?? [];
    if (seconds !== undefined) assert.is(Number(seconds) * 1000, timeLimitMs, `${name}: @time-limit`);
    assert.ok(!/from 'uvu/.test(source), `${name}: uvu is not published`);
  }
});

test.run();
