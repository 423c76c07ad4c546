// What a newcomer gets: the packages from their tarballs, and the project to copy, played as GitHub's and GitLab's jobs do.
// @time-limit 1200 s
// @long
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { readTimes } from '@loadline/hil-tests';
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { copyTree } from '../check/copied-tree.ts';
import { readGitHubJob, readGitLabJob } from './jobs.ts';
import { Newcomer } from './newcomer.ts';
import { anyDepth, readPackages } from './packages.ts';

const root = join(import.meta.dirname, '../..');

// Packed in a copy: other tests run the bundles of this tree, and the build would pull them from under them.
const copy = copyTree(root);
const packages = readPackages(root);
let newcomer: Newcomer;
const installed = (name: string, path = '') => join(newcomer.project, 'node_modules', name, path);

/** Types a line that must succeed. */
function type(line: string): string {
  const { status, output } = newcomer.types(line);
  assert.is(status, 0, `${line}\n${output}`);
  return output;
}

test.before(() => {
  execFileSync(process.execPath, [...process.execArgv, 'tools/build/main.ts', 'pack'], { cwd: copy });
  newcomer = new Newcomer(globSync(join(copy, 'dist/packages/*.tgz')));
  // The tarballs in place of the registry; then the job's own first line brings what the lock file says.
  type('npm install --ignore-scripts --package-lock-only --no-audit --no-fund ../packages/*.tgz');
  const [install = ''] = jobLines();
  assert.match(install, /^npm ci /);
  type(install);
});

test.after(() => {
  rmSync(copy, { recursive: true, force: true });
  newcomer.leave();
});

test('every package is installed from its tarball, not linked to the workspace', () => {
  for (const { name } of packages) {
    assert.ok(existsSync(installed(name, 'package.json')), name);
    assert.equal(globSync('dist/**/*.test.*', { cwd: installed(name) }), [], name);
    assert.ok(existsSync(installed(name, 'dist/LICENSE')), name);
  }
});

test('what is no TypeScript is there too: the web page, and the native half of the serial port', () => {
  assert.ok(existsSync(installed('@loadline/cloud', 'dist/web/index.html')));
  const natives = globSync('dist/bundle/prebuilds/*/*.node', { cwd: installed('@loadline/device-runtime') });
  assert.ok(natives.length > 0);
});

test('what the README of the kit leads to comes with it, but for what is in the checkout alone', () => {
  const kit = '@loadline/hil-tests';
  const [readme = ''] = readFileSync(installed(kit, 'README.md'), 'utf8').split("## In Loadline's checkout");
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => installed(kit, path));
  const format = installed('@loadline/sdk', 't24/README.md');
  assert.ok(links.length > 2 && readme.includes('`t24/README.md` in `@loadline/sdk`'));
  assert.equal(
    [...links, format].filter((path) => !existsSync(path)),
    [],
  );
});

test('whatever a package exports can be imported', () => {
  const specifiers = packages.flatMap(exportedSpecifiers);
  for (const one of ['t24', 'release/repository'])
    assert.ok(specifiers.includes(`@loadline/sdk/${one}`), one);
  const script = specifiers.map((specifier) => `await import('${specifier}');`).join('\n');
  writeFileSync(join(newcomer.project, 'import-all.mjs'), `${script}\nconsole.log('imported');\n`);
  assert.is(type('node import-all.mjs'), 'imported\n');
  rmSync(join(newcomer.project, 'import-all.mjs'));
});

test('whatever a package imports, its manifest says that it needs', () => {
  const imported = /^(?:import|export)\s[^'";]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
  const unsaid = packages.flatMap(({ name }) => {
    const { dependencies, optionalDependencies } = manifestOf(name);
    const said = new Set([name, ...Object.keys({ ...dependencies, ...optionalDependencies })]);
    return globSync('dist/**/*.{js,d.ts}', { cwd: installed(name) }).flatMap((file) =>
      [...readFileSync(installed(name, file), 'utf8').matchAll(imported)]
        .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
        .filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
        .filter((specifier) => !said.has(packageOf(specifier)))
        .map((specifier) => `${join(name, file)}: ${specifier}`),
    );
  });
  assert.equal(unsaid, []);
});

test('a program of the user is checked against the types', () => {
  const exported = packages.flatMap(exportedSpecifiers);
  const imports = exported.map((specifier, at) => `export * as package${at} from '${specifier}';`);
  writeFileSync(
    join(newcomer.project, 'program.ts'),
    `${imports.join('\n')}
import { type Reading } from '@loadline/sdk/telemetry';
import { parseTopic } from '@loadline/sdk/contract';

export const tag: Reading['tag'] = 0x1a2b;
// @ts-expect-error: were the types not found, everything would be any, and this no error.
export const wrong: Reading['tag'] = 'a name';
// @ts-expect-error
parseTopic(1);
`,
  );
  type('npx tsc --skipLibCheck');
  rmSync(join(newcomer.project, 'program.ts'));
});

test('every command of the packages is there and can be executed', () => {
  const commands = packages.flatMap(({ name }) => Object.keys(manifestOf(name).bin ?? {}));
  assert.ok(commands.includes('loadline'));
  for (const command of commands) {
    const path = installed('.bin', command);
    accessSync(path, constants.X_OK);
    assert.ok(readFileSync(path, 'utf8').startsWith('#!/usr/bin/env '), `${command} has no #! line`);
  }
});

for (const [command, name] of [
  ['loadline', '@loadline/tools'],
  ['loadline-gateway', '@loadline/device-runtime'],
] as const) {
  test(`${command} runs, and tells its version`, () => {
    assert.is(type(`npx ${command} --version`), `${manifestOf(name).version}\n`);
  });
}

test('the project to copy has a job for GitHub and one for GitLab: the same lines, on the Node it needs', () => {
  const gitHub = readGitHubJob(join(newcomer.project, '.github/workflows/hil.yml'));
  assert.equal(readGitLabJob(join(newcomer.project, '.gitlab-ci.yml')), gitHub);
  const { engines } = JSON.parse(readFileSync(join(newcomer.project, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  assert.is(engines.node, `>=${gitHub.nodeMajor}`);
});

test('without root, every line of the job succeeds, and the reports say what was played', () => {
  assert.is.not(newcomer.types('id -u').output, '0\n');
  for (const line of jobLines().slice(1)) type(line);
  assert.is(outcomesIn('junit-tests.xml').get('passed')?.length, 12);
  assert.equal(
    outcomesIn('junit-hil.xml')
      .get('passed')
      ?.map((name) => name.split(' ')[0]),
    ['given', 'given', 'given', 'when', 'then'],
  );
});

test('without root, a scenario that comes with Loadline passes on its shipped gateway and cloud', () => {
  const told = JSON.parse(newcomer.types('npx loadline hil --json gw1 2>progress').output) as {
    passed: number;
  };
  assert.is(told.passed, 1);
});

test('without root, a program that the kit starts runs as it was built: a rival has the port', () => {
  writeFileSync(
    join(newcomer.project, 'rival.mjs'),
    `import { Rival, VirtualPort } from '@loadline/hil-tests';
await using port = await VirtualPort.open();
await using rival = await Rival.start(port.path, 'locks');
console.log(rival.pid > 0);
`,
  );
  assert.is(type('node rival.mjs'), 'true\n');
  rmSync(join(newcomer.project, 'rival.mjs'));
});

test('without root, a scenario passes on a cable of which another process has the ends', () => {
  writeFileSync(
    join(newcomer.project, 'cable.mjs'),
    `import { VirtualCable } from '@loadline/hil-tests';
const cable = await VirtualCable.open();
console.log(cable.left.path + '\\n' + cable.right.path);
process.on('SIGTERM', () => cable.close());
`,
  );
  const { status, output } = newcomer.types(`
    status=0
    node cable.mjs > ends & cable=$!
    until [ "$(wc -l < ends)" -eq 2 ]; do sleep 0.1; done
    npx loadline hil noisy-line --port "$(sed -n 1p ends)" --gateway "local:$(sed -n 2p ends)" || status=$?
    kill $cable
    wait
    exit $status`);
  assert.match(output, '1 passed, 0 failed');
  assert.is(status, 0, output);
  for (const name of ['cable.mjs', 'ends']) rmSync(join(newcomer.project, name));
});

test('a gateway without a guard fails the job, and the report names the step', () => {
  const gateway = join(newcomer.project, 'gateway.ts');
  const guarded = readFileSync(gateway, 'utf8');
  const unguarded = guarded.replace(/(console\.log\('radio lost'\);\n.*\n).*open.*\n/, '$1');
  assert.is.not(unguarded, guarded);
  writeFileSync(gateway, unguarded);
  try {
    const line = jobLines().find((one) => one.includes('loadline hil')) ?? '';
    const { status, output } = newcomer.types(line);
    assert.is(status, 1, output);
    assert.equal(outcomesIn('junit-hil.xml').get('failed'), [
      'then my gateway hears it again, at its new number',
    ]);
    assert.match(output, 'radio lost');
    assert.match(output, 'loadline replay hil-artefacts/comes-back/radio.hex');
    const recording = readFileSync(join(newcomer.project, 'hil-artefacts/comes-back/radio.hex'), 'latin1');
    assert.ok((readTimes(recording) ?? []).length >= 3);
    // The lines of docs/hil.md.
    const sent = readTimes(recording)?.length;
    const replayed = newcomer.types(`
      npx loadline replay hil-artefacts/comes-back/radio.hex --link ./radio --speed 1 & replaying=$!
      until [ -e radio ]; do sleep 0.1; done
      node gateway.ts ./radio > told & gateway=$!
      wait $replaying
      for _ in $(seq 100); do [ "$(grep -c '^1A2B ' told)" -eq ${sent} ] && break; sleep 0.1; done
      kill $gateway || :
      echo "heard $(grep -c '^1A2B ' told)"`);
    assert.match(replayed.output, `heard ${sent}\n`);
    const left = readFileSync(join(newcomer.project, 'hil-artefacts/comes-back/steps.log'), 'utf8');
    assert.match(left, 'then my gateway hears it again');
  } finally {
    writeFileSync(gateway, guarded);
  }
});

test('what there is no scenario of is a wrong call', () => {
  const { status, output } = newcomer.types('npx loadline hil sunshine');
  assert.is(status, 2);
  assert.match(output, 'there is no scenario sunshine');
});

test('a misuse of the kit does not pass its types', () => {
  const misuse = join(newcomer.project, 'test/misuse.ts');
  writeFileSync(
    misuse,
    "import { VirtualBaseStation } from '@loadline/hil-tests';\n\nexport const station = new VirtualBaseStation('COM1');\n",
  );
  const { status, output } = newcomer.types('npm run types');
  rmSync(misuse);
  assert.is.not(status, 0);
  assert.match(output, /test\/misuse\.ts.*'string'.*'ByteSink'/s);
});

test('an older Node is told so in one line', () => {
  const older = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
    Object.defineProperty(process, 'version', { value: 'v20.20.2' });`;
  writeFileSync(join(newcomer.project, 'older.mjs'), older);
  for (const script of ['test', 'types']) {
    const { status, output } = newcomer.types(
      `NODE_OPTIONS='--import=./older.mjs' npm run --silent ${script}`,
    );
    assert.is(status, 1);
    assert.is(output, 'my-gateway needs Node 24 or newer, and this is v20.20.2\n');
  }
  rmSync(join(newcomer.project, 'older.mjs'));
});

interface Manifest {
  version: string;
  bin?: Record<string, string>;
  exports?: Record<string, { default?: string }>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(installed(name, 'package.json'), 'utf8')) as Manifest;
}

/** The names under which the installed package can be imported: a pattern stands for each file that it fits. */
function exportedSpecifiers({ name }: { name: string }): string[] {
  return Object.entries(manifestOf(name).exports ?? {}).flatMap(([path, { default: built }]) => {
    if (built === undefined) return [];
    const [before = '', after = ''] = built.slice(2).split('*');
    return globSync(anyDepth(built).slice(2), { cwd: installed(name) }).map((file) =>
      join(name, path.replace('*', file.slice(before.length, file.length - after.length))),
    );
  });
}

/** The package that a specifier is of. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function jobLines(): readonly string[] {
  return readGitHubJob(join(newcomer.project, '.github/workflows/hil.yml')).lines;
}

/** The names of the test cases of a JUnit report, by what became of them. */
function outcomesIn(report: string): Map<'passed' | 'failed', string[]> {
  const outcomes = new Map<'passed' | 'failed', string[]>();
  const look = (element: XmlElement) => {
    const children = element.children.filter((child) => child instanceof XmlElement);
    if (element.name === 'testcase') {
      const outcome = children.some(({ name }) => name === 'failure') ? 'failed' : 'passed';
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), element.attributes.name ?? '']);
    }
    for (const child of children) look(child);
  };
  const { root: all } = parseXml(readFileSync(join(newcomer.project, report), 'utf8'));
  if (all !== null) look(all);
  return outcomes;
}

test.run();
