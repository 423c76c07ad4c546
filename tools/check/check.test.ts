// @long
// @time-limit 600 s
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

interface Seed {
  readonly what: string;
  readonly path: string;
  readonly seed: (source: string) => string;
}

/** Sees one run of a step fail on files of the copy that are each seeded with something, and name every one of them. */
function seeFail(stepName: string, seeds: readonly Seed[]): void {
  let output = '';
  test(`${stepName}: the seeded tree fails`, async () => {
    const files = seeds.map(({ path, seed }) => {
      const file = join(copy, path);
      const source = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, seed(source ?? ''));
      return { file, source };
    });
    const result = await runStep(stepNamed(stepName), copy);
    for (const { file, source } of files) {
      if (source === undefined) rmSync(file);
      else writeFileSync(file, source);
    }
    assert.not(result.passed, `${stepName} passed`);
    output = result.output;
  });
  for (const { what, path } of seeds) test(`${stepName}: ${what}`, () => assert.match(output, path));
}

/** Each in a file of its own, and all of a step seen in one run. */
function numbered<S extends { readonly path: string }>(seeds: readonly S[]): S[] {
  return seeds.map((seed, index) => ({ ...seed, path: seed.path.replace('seed', `seed-${index}`) }));
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

for (const step of ['types', 'lint', 'format']) {
  const own = violations.filter(([name]) => name === step);
  seeFail(
    step,
    numbered(own.map(([, what, path, source]) => ({ what: `${what} fails`, path, seed: () => source }))),
  );
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
];

seeFail(
  'import directions',
  numbered(misdirected.map(({ source, ...seed }) => ({ ...seed, seed: () => source }))),
);

seeFail('unused exports and dependencies', [
  {
    what: 'an export nobody imports fails',
    path: 'tools/check/steps.ts',
    seed: (source) => `${source}\nexport const unusedSeed = 1;\n`,
  },
  {
    what: 'a file nobody imports fails',
    path: 'cloud/store/seed.ts',
    seed: () => 'export const seed = 1;\n',
  },
  { what: 'a dependency nobody imports fails', path: 'sdk/package.json', seed: withDependency },
  {
    what: 'an import of an unlisted dependency fails',
    path: 'sdk/t24/seed.test.ts',
    seed: () => `import 'aedes';\n`,
  },
]);

function withDependency(source: string): string {
  const manifest = JSON.parse(source);
  manifest.dependencies.commander = '15.1.0';
  return JSON.stringify(manifest, null, 2);
}

test.after(() => rmSync(copy, { recursive: true, force: true }));

test.run();
