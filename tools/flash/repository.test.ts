// A folder of signed releases is told to a gateway in parts; nothing else of this machine ever is.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LinkError } from '@loadline/sdk/serial-link';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openReleaseFolder } from './repository.ts';
import { testFolder } from './test-parts.ts';

const test = suite('a folder of releases');
const folder = join(testFolder(), 'repository');
const secret = 'what nobody is to read';

test.before(() => {
  for (const version of ['1.10.0', '1.9.0', '1.10.0-rc.2', '1.10.0-rc.10', 'nonsense']) {
    const place = join(folder, 'targets/releases', version, 'linux-x64');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${'a'.repeat(64)}.manifest.json`), '{}');
  }
  mkdirSync(join(folder, 'metadata'));
  mkdirSync(join(folder, 'blobs'));
  writeFileSync(join(folder, 'metadata/timestamp.json'), '0123456789');
  writeFileSync(join(folder, 'secret'), secret);
  writeFileSync(join(folder, '../secret'), secret);
});

test('its versions, the newest last; what is no version is none', async () => {
  const { versions } = await openReleaseFolder(folder);
  assert.equal(await versions('linux-x64'), ['1.9.0', '1.10.0-rc.2', '1.10.0-rc.10', '1.10.0']);
  assert.equal(await versions('linux-arm64'), []);
});

test('a file in parts, up to its end and past it', async () => {
  const { read } = await openReleaseFolder(folder);
  const part = async (from: number) => {
    const answer = await read({ kind: 'metadata', name: 'timestamp.json', from, most: 4 });
    const { bytes, total } = answer as { bytes: Uint8Array; total: number };
    return [Buffer.from(bytes).toString(), total];
  };
  assert.equal(
    [await part(0), await part(8), await part(10), await part(99)],
    [
      ['0123', 10],
      ['89', 10],
      ['', 10],
      ['', 10],
    ],
  );
  assert.is(await read({ kind: 'metadata', name: '7.root.json', from: 0, most: 4 }), null);
  assert.is(await read({ kind: 'target', name: 'releases', from: 0, most: 4 }), null, 'a folder is no file');
});

test('hostile asks get nothing that is not in its place', async () => {
  const { read } = await openReleaseFolder(folder);
  const hostile = [
    '../secret',
    '..',
    './../secret',
    'a/../../secret',
    '/etc/passwd',
    'a//b',
    '.hidden',
    'a\0b',
    '',
  ];
  for (const kind of ['metadata', 'target', 'blob']) {
    for (const name of hostile) {
      const answer = await read({ kind, name, from: 0, most: 100 }).catch((error: unknown) => {
        assert.instance(error, LinkError);
        return null;
      });
      assert.is(answer, null, `${kind} ${name}`);
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (body) => {
      const answer = await read(body).catch((error: unknown) => {
        assert.instance(error, LinkError);
        return null;
      });
      assert.is(answer, null);
    }),
  );
});

test('a folder that is no repository is refused, and says what one is', async () => {
  const fault = await openReleaseFolder(join(folder, 'blobs')).catch((error: Error) => error.message);
  assert.match(String(fault), 'metadata/timestamp.json');
});

test.run();
