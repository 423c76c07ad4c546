// @time-limit 600 s
// @long
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { blobPath, type ReleaseManifest, readManifest } from '@loadline/sdk/release';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyTree } from '../check/copied-tree.ts';
import { filesIn, sha256 } from './pack.ts';

const test = suite('a release, built twice');

const root = join(import.meta.dirname, '../..');
const name = 'loadline-gateway-0.2.0-rc.1-linux-x64';
const order = [
  'release',
  'build',
  '--target',
  'linux-x64',
  '--as',
  '0.2.0-rc.1',
  '--health-seconds',
  '90',
  '--json',
];

const places = mkdtempSync(join(tmpdir(), 'loadline-twice-'));
/** Two checkouts of one commit: of different names, made at different times. */
const checkouts = [copyTree(root), copyTree(root)] as const;
const releases = [join(places, 'one'), join(places, 'another/and/deeper')] as const;
const built = releases.map((folder) => join(folder, name));
const [first = '', second = ''] = built;
let manifest: ReleaseManifest;

function commit(checkout: string): void {
  const env = { ...process.env, GIT_AUTHOR_DATE: '1790000000 +0000', GIT_COMMITTER_DATE: '1790000000 +0000' };
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Somebody', '-c', 'user.email=a@example.org', ...args], {
      cwd: checkout,
      env,
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message=All');
}

interface Circumstances {
  readonly cwd: string;
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
}

function build(
  checkout: string,
  out: string,
  { cwd, umask, env }: Circumstances,
): Promise<{ stdout: string }> {
  const program = [join(checkout, 'tools/launch.mjs'), join(checkout, 'tools/main.ts')];
  const command = ['umask', umask, '&&', 'exec', process.execPath, ...program, ...order, '--out', `'${out}'`];
  return promisify(execFile)('sh', ['-c', command.join(' ')], { cwd, env: { ...process.env, ...env } });
}

test.before(async () => {
  for (const checkout of checkouts) commit(checkout);
  execFileSync('find', [
    join(checkouts[1], 'device-runtime'),
    '-type',
    'f',
    '-exec',
    'touch',
    '-d',
    '2001-02-03',
    '{}',
    '+',
  ]);
  const zone = { TZ: 'Asia/Tokyo', LC_ALL: 'cs_CZ.UTF-8' };
  // With a cache of its own, so that it packs all itself.
  const otherZone = { TZ: 'America/St_Johns', LC_ALL: 'C', XDG_CACHE_HOME: join(places, 'cache') };
  const [, { stdout }] = await Promise.all([
    build(checkouts[0], releases[0], { cwd: checkouts[0], umask: '022', env: zone }),
    build(checkouts[1], releases[1], { cwd: '/', umask: '077', env: otherZone }),
  ]);
  assert.is(JSON.parse(stdout).folder, second);
  manifest = readManifest(readFileSync(join(first, 'manifest.json')));
});
test.after(() => {
  for (const folder of [...checkouts, places]) rmSync(folder, { recursive: true });
});

/** All that is below a folder, as one line each: kind and mode, time, digest, path. */
function everything(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort().map((path) => {
    const { mode, mtimeMs } = lstatSync(join(folder, path));
    const isFolder = lstatSync(join(folder, path)).isDirectory();
    const digest = isFolder
      ? ''
      : createHash('sha256')
          .update(readFileSync(join(folder, path)))
          .digest('hex');
    return `${mode.toString(8)} ${mtimeMs} ${digest} ${path}`;
  });
}

test('has the same bytes, modes and times: in other folders, of other checkouts, under another umask, zone and locale', () => {
  assert.equal(everything(second), everything(first));
  assert.ok(everything(first).some((line) => line.endsWith('_amd64.deb')));
});

test('has no path of the machine that built it in it', async () => {
  for (const path of await filesIn(first)) {
    if (path.endsWith('bin/node')) continue;
    const content = readFileSync(join(first, path));
    for (const word of [...checkouts, places, tmpdir(), process.env.HOME ?? '/root/']) {
      assert.is(content.indexOf(`${word}/`), -1, `${word} in ${path}`);
    }
  }
});

test('has a manifest that says what is there, and nothing else is there', async () => {
  const { version, target, commit, committed, node, healthSeconds, launcher, files } = manifest;
  assert.equal([version, target, committed, healthSeconds], ['0.2.0-rc.1', 'linux-x64', 1_790_000_000, 90]);
  assert.is(
    commit,
    execFileSync('git', ['rev-parse', 'HEAD'], { cwd: checkouts[0], encoding: 'utf8' }).trim(),
  );
  assert.is(node, process.versions.node);
  assert.ok(launcher >= 1);
  const paths = files.map(({ path }) => path);
  assert.equal(await filesIn(join(first, 'tree')), [...paths, 'manifest.json'].sort());
  const wanted = ['bin/node', 'gateway.mjs', 'launcher/loadline-launch', 'LICENSES.txt', 'sbom.cdx.json'];
  for (const path of [...wanted, 'packaging/loadline-gateway.service']) assert.ok(paths.includes(path), path);
  const blobs = files.map(({ packed }) => blobPath(packed.sha256));
  const packages = (await filesIn(first)).filter((path) => path.endsWith('.deb'));
  assert.equal(
    (await filesIn(first)).filter((path) => !path.startsWith('tree/')),
    ['manifest.json', ...packages, ...new Set(blobs)].sort(),
  );
  for (const file of files) {
    const path = join(first, 'tree', file.path);
    const packed = readFileSync(join(first, blobPath(file.packed.sha256)));
    assert.equal([packed.length, sha256(packed)], [file.packed.length, file.packed.sha256], file.path);
    const plain = zstdDecompressSync(packed);
    assert.ok(plain.equals(readFileSync(path)), file.path);
    assert.equal([plain.length, sha256(plain)], [file.length, file.sha256], file.path);
    assert.is(lstatSync(path).mode & 0o777, file.executable ? 0o755 : 0o644, file.path);
  }
  assert.equal(readFileSync(join(first, 'tree/manifest.json')), readFileSync(join(first, 'manifest.json')));
});

test('starts from its own folder with its own Node, and says its version', () => {
  const tree = join(first, 'tree');
  const options = { cwd: '/', env: {}, encoding: 'utf8' } as const;
  assert.is(
    execFileSync(join(tree, 'bin/node'), [join(tree, 'gateway.mjs'), '--version'], options),
    '0.2.0-rc.1\n',
  );
});

test('tells of all that is in its bundle, and the terms of each', () => {
  const bill = JSON.parse(readFileSync(join(first, 'tree/sbom.cdx.json'), 'utf8')) as {
    components: { group?: string; name: string; version: string }[];
  };
  const names = bill.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
  for (const known of ['zod', 'mqtt', 'tuf-js', 'node-forge', '@serialport/bindings-cpp', 'node']) {
    assert.ok(names.includes(known), known);
  }
  for (const absent of ['esbuild', 'fastify', 'preact', 'uvu', '@loadline/sdk'])
    assert.not(names.includes(absent), absent);
  const licences = readFileSync(join(first, 'tree/LICENSES.txt'), 'utf8');
  for (const { group, name, version } of bill.components) {
    const title =
      name === 'node' ? 'Node.js, and' : `${group === undefined ? name : `${group}/${name}`}@${version}, `;
    assert.ok(licences.includes(`\n${title}`), title);
  }
});

test.run();
