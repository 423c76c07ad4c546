// @long
// What `loadline hil` says where it plays nothing.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  ]) {
    const refused = await playAll({ ...options, ...places, signal }).catch((error) => error);
    assert.match(refused.message, /^nothing can be left there: E(NOENT|NOTDIR).*(nowhere|left)/);
  }
});

test('every scenario needs what there is a word for, and has in npm test the time that it gives itself', async () => {
  const files = discoverTests(root, ['hil-tests/scenarios/']);
  for (const { path, name } of publishedScenarios()) {
    const { needs, timeLimitMs } = await loadScenario(scenarioFile(path));
    for (const ability of needs) assert.ok(Object.hasOwn(abilities, ability), `${name}: ${ability}`);
    const file = files.find((one) => path.endsWith(one.path));
    assert.ok(file !== undefined && file.timeLimitMs > timeLimitMs, `${name}: @time-limit`);
    assert.ok(file.timeLimitMs < timeLimitMs + 60_000, `${name}: @time-limit is not its timeLimitMs`);
    assert.ok(!/from 'uvu/.test(readFileSync(path, 'utf8')), `${name}: uvu is not published`);
  }
});

test.run();
