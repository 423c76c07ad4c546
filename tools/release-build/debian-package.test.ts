import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ReleaseManifest } from '@loadline/sdk/release';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeDebianPackage } from './debian-package.ts';
import { packRelease, settle } from './pack.ts';
import { writeTar } from './tarball.ts';

const test = suite<{ folder: string }>('a Debian package');

const packaging = join(import.meta.dirname, '../../device-runtime/packaging');
const facts = {
  version: '1.4.0-rc.1',
  target: 'linux-arm64',
  commit: 'c'.repeat(40),
  committed: 1_790_000_000,
  node: '24.21.0',
  healthSeconds: 600,
  launcher: 1,
} as const;

const content: Readonly<Record<string, string>> = {
  'bin/node': '\x7fELF',
  'gateway.mjs': '#!/usr/bin/env node\n',
  'launcher/loadline-launch': '#!/bin/sh\nversion=1\n',
  'packaging/loadline-gateway.service': '[Unit]\n',
  'packaging/loadline-provisioning.conf': '[Service]\n',
  'LICENSES.txt': 'terms\n',
};

async function release(folder: string): Promise<ReleaseManifest> {
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, 'tree', path)), { recursive: true });
    writeFileSync(join(folder, 'tree', path), text);
  }
  return await packRelease(folder, facts, () => {});
}

const hasDpkg = spawnable('dpkg-deb');
if (!hasDpkg) console.log('skipped: what dpkg-deb reads in a package: it is not installed');

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-deb-'));
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

test('is the same for the same release, whatever modes and times its files have', async ({ folder }) => {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  const manifest = await release(one);
  assert.equal(await release(other), manifest);
  await settle(one, manifest);
  chmodSync(join(other, 'tree/gateway.mjs'), 0o600);
  utimesSync(join(other, 'tree/gateway.mjs'), 1, 1);
  const [first, second] = [one, other].map((each) =>
    writeDebianPackage(join(each, 'tree'), manifest, new Map()),
  );
  assert.equal(await first, await second);
  assert.is((await first)?.name, 'loadline-gateway_1.4.0~rc.1_arm64.deb');
});

(hasDpkg ? test : test.skip)(
  'is read by dpkg-deb: fields, scripts, files, all of root',
  async ({ folder }) => {
    const place = join(folder, 'read');
    const manifest = await release(place);
    const additions = new Map([['trust/root.json', Buffer.from('{}')]]);
    const { name, content } = await writeDebianPackage(join(place, 'tree'), manifest, additions);
    const file = join(folder, name);
    writeFileSync(file, content);
    const field = (what: string) =>
      execFileSync('dpkg-deb', ['--field', file, what], { encoding: 'utf8' }).trim();
    assert.is(field('Version'), '1.4.0~rc.1');
    assert.is(field('Architecture'), 'arm64');
    const out = join(folder, 'extracted');
    execFileSync('dpkg-deb', ['--raw-extract', file, out]);
    for (const script of ['postinst', 'prerm', 'postrm'])
      execFileSync('sh', ['-n', join(out, 'DEBIAN', script)]);
    execFileSync('md5sum', ['--check', '--quiet', 'DEBIAN/md5sums'], { cwd: out });
    const sums = readFileSync(join(out, 'DEBIAN/md5sums'), 'utf8');
    const listed = execFileSync('dpkg-deb', ['--contents', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
    const entry = (path: string) => listed.split('\n').find((line) => line.endsWith(` ./${path}`));
    for (const path of [...sums.matchAll(/^\S+ {2}(.*)$/gm)].map(([, each]) => each ?? '')) {
      assert.match(entry(path) ?? '', / root\/root /, path);
    }
    assert.match(entry('opt/loadline/factory/bin/node') ?? '', /^-rwxr-xr-x root\/root +4 2026-09-21 14:13/);
    assert.match(entry('opt/loadline/launcher/loadline-launch') ?? '', /^-rwxr-xr-x/);
    assert.match(entry('usr/lib/systemd/system/loadline-gateway.service') ?? '', /^-rw-r--r--/);
    assert.match(entry('opt/loadline/trust/root.json') ?? '', /^-rw-r--r--/);
    assert.ok(entry('etc/loadline/'));
    assert.is(entry('usr/lib/systemd/system/loadline-provisioning.conf'), undefined);
  },
);

test('names in its scripts no unit that it does not bring', () => {
  const units = new Set(readdirSync(packaging));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(import.meta.dirname, 'debian', script), 'utf8');
    const named = [...text.matchAll(/loadline-[a-z]+\.(service|timer|path)\b/g)].map(([name]) => name);
    assert.ok(named.includes('loadline-gateway.service'), script);
    for (const name of named) assert.ok(units.has(name), `${script} names ${name}`);
  }
});

test('has no path that dpkg would not read', async () => {
  const file = (path: string) => writeTar([{ path, content: Buffer.of(1), mode: 0o644 }], [], 0);
  assert.is((await file(`${'a'.repeat(97)}`)).length % 512, 0);
  await file('b'.repeat(99)).then(
    () => assert.unreachable('a path of 101 bytes was taken'),
    (error: Error) => assert.match(error.message, /too long a path/),
  );
});

function spawnable(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.run();
