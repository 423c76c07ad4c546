import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { copyTree } from './copied-tree.ts';
import { runStep, STEPS } from './steps.ts';

const copy = copyTree(join(import.meta.dirname, '../..'));

function stepNamed(name: string) {
  const step = STEPS.find((candidate) => candidate.name === name);
  if (step === undefined) throw new Error(`no step is called ${name}`);
  return step;
}

/** Seeds the copy's file at `path` with what `seed` makes of it, and sees the step fail and name the file. */
async function seeFail(stepName: string, path: string, seed: (source: string) => string) {
  const file = join(copy, path);
  const source = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, seed(source ?? ''));
  const { passed, output } = await runStep(stepNamed(stepName), copy);
  if (source === undefined) rmSync(file);
  else writeFileSync(file, source);
  assert.not(passed, `${stepName} passed`);
  assert.match(output, path);
}

for (const step of STEPS) {
  test(`${step.name}: the tree as it is passes`, async () => {
    const { passed, output } = await runStep(step, copy);
    assert.ok(passed, output);
  });
}

const violations = [
  ['types', 'a type error', 'sdk/t24/seed.ts', `export const seed: number = 'x';\n`],
  ['types', 'an enum, which Node cannot strip', 'cloud/seed.ts', 'export enum Seed {\n  A,\n}\n'],
  ['lint', 'an explicit any', 'cloud/seed.ts', 'export const seed: any = 1;\n'],
  [
    'lint',
    'a promise nobody waits for',
    'cloud/seed.ts',
    `async function seed() {\n  await import('node:fs');\n}\nseed();\n`,
  ],
  [
    'lint',
    'a test.only',
    'cloud/seed.test.ts',
    `import { test } from 'uvu';\n\ntest.only('a', () => undefined);\ntest.run();\n`,
  ],
  [
    'lint',
    'a type imported where directions are not seen',
    'cloud/seed.ts',
    `export type Seed = import('./index.ts').Seed;\n`,
  ],
  ['format', 'a line of other quotes', 'tools/seed.ts', 'export const seed = "x";\n'],
  [
    'format',
    'imports out of order',
    'tools/seed.ts',
    `import 'node:fs';\nimport { z } from 'node:zlib';\nimport { a } from 'node:assert';\n\nexport const seed = [a, z];\n`,
  ],
] as const;

for (const [step, what, path, source] of violations) {
  test(`${step}: ${what} fails`, () => seeFail(step, path, () => source));
}

const directions = [
  ['sdk/t24/seed.ts', '@loadline/cloud'],
  ['sdk/t24/seed.ts', '@loadline/sdk/telemetry'],
  ['sdk/identity/seed.ts', '@loadline/device-runtime'],
  ['sdk/identity/seed.test.ts', '@loadline/hil-tests'],
  ['sdk/identity/seed.ts', '../../cloud/index.ts'],
  ['sdk/identity/seed.ts', '../../../main/tools/main.ts'],
  ['device-runtime/seed.ts', '@loadline/cloud'],
  ['device-runtime/uplink/seed.ts', '@loadline/hil-tests'],
  ['device-runtime/uplink/seed.ts', '../../cloud/index.ts'],
  ['device-runtime/seed.ts', '../sdk/t24/index.ts'],
  ['cloud/seed.ts', '@loadline/device-runtime'],
  ['cloud/store/seed.test.ts', '@loadline/hil-tests'],
  ['cloud/store/seed.ts', '../../device-runtime/index.ts'],
  ['cloud/seed.ts', '@loadline/tools'],
  ['hil-tests/runner/seed.ts', '../../tools/build/main.ts'],
  ['hil-tests/rig/seed.ts', '@loadline/cloud'],
  ['tools/check/seed.ts', '../../hil-tests/rig/index.ts'],
  ['tools/seed.ts', '/somewhere/else.ts'],
  ['sdk/t24/seed.ts', 'node:fs'],
  ['sdk/t24/seed.ts', 'node:fs/promises'],
  ['sdk/t24/seed.ts', 'node:zlib'],
  ['sdk/contract/seed.ts', 'node:crypto'],
  ['sdk/telemetry/seed.ts', 'node:net'],
] as const;

const forms = [
  ['import type', `import type { A } from '@loadline/cloud';\n\nexport type B = A;\n`],
  ['export from', `export { a } from '@loadline/cloud';\n`],
  ['export all', `export * from '../../cloud/index.ts';\n`],
  ['import()', `export const a = await import('@loadline/cloud');\n`],
] as const;

const globals = ['Date', 'performance', 'setTimeout', 'process', 'fetch'];

// Each in a file of its own, and all of them seen in one run: there are many.
const misdirected = [
  ...directions.map(([path, specifier]) => ({
    what: `${path} may not import ${specifier}`,
    path,
    source: `import { seed } from '${specifier}';\n\nexport const planted = seed;\n`,
  })),
  ...forms.map(([form, source]) => ({ what: `${form} is an import too`, path: 'sdk/t24/seed.ts', source })),
  ...globals.map((global) => ({
    what: `protocol code may not use ${global}`,
    path: 'sdk/t24/seed.ts',
    source: `export const seed = ${global};\n`,
  })),
].map((seed, index) => ({ ...seed, path: seed.path.replace('seed', `seed-${index}`) }));

let seenMisdirected = '';

test('import directions: the seeded tree fails', async () => {
  for (const { path, source } of misdirected) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    writeFileSync(join(copy, path), source);
  }
  const { passed, output } = await runStep(stepNamed('import directions'), copy);
  for (const { path } of misdirected) rmSync(join(copy, path));
  assert.not(passed);
  seenMisdirected = output;
});

for (const { what, path } of misdirected) {
  test(`import directions: ${what}`, () => assert.match(seenMisdirected, path));
}

const UNUSED = 'unused exports and dependencies';

test(`${UNUSED}: an export nobody imports fails`, () =>
  seeFail(UNUSED, 'tools/check/steps.ts', (source) => `${source}\nexport const unusedSeed = 1;\n`));

test(`${UNUSED}: a file nobody imports fails`, () =>
  seeFail(UNUSED, 'cloud/store/seed.ts', () => 'export const seed = 1;\n'));

test(`${UNUSED}: a dependency nobody imports fails`, () =>
  seeFail(UNUSED, 'sdk/package.json', withDependency));

test(`${UNUSED}: an import of an unlisted dependency fails`, () =>
  seeFail(UNUSED, 'sdk/t24/seed.test.ts', () => `import 'commander';\n`));

function withDependency(source: string): string {
  const manifest = JSON.parse(source);
  manifest.dependencies.commander = '15.1.0';
  return JSON.stringify(manifest, null, 2);
}

test.after(() => rmSync(copy, { recursive: true, force: true }));

test.run();
