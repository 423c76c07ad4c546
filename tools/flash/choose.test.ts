// What is read is never what is written, by whatever name it is called.
import { linkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askItsName, destinationOf, mustBeAnother } from './choose.ts';
import { type Disk, readDisks } from './disks.ts';
import { testFolder } from './test-parts.ts';

const test = suite('where an image goes');
const folder = testFolder();
const place = (name: string) => join(folder, name);

async function judged(to: string): Promise<unknown> {
  const read = [place('card.img'), place('card.img.bmap')];
  return await mustBeAnother(await destinationOf(place(to), undefined), read).then(
    () => 'taken',
    (error: unknown) => error,
  );
}

test.before(() => {
  for (const name of ['card.img', 'card.img.bmap', 'other.img']) writeFileSync(place(name), name);
  symlinkSync(place('card.img'), place('link.img'));
  linkSync(place('card.img'), place('same.img'));
});

for (const name of ['card.img', 'link.img', 'same.img', 'card.img.bmap']) {
  test(`the image is not written over itself, as ${name}`, async () => {
    assert.instance(await judged(name), CalledWrongly);
  });
}

test('another file is written to, be it there or not', async () => {
  assert.equal([await judged('other.img'), await judged('new.img')], ['taken', 'taken']);
});

const [disk] = await readDisks().catch(() => []);
if (disk === undefined) console.log('skipped: the name of a disk: none is listed here');
const withDisk = disk === undefined ? test.skip : test;

withDisk('the name of a disk is neither a file nor, said so, the disk', async () => {
  const { name } = disk as Disk;
  const said = await destinationOf(name, undefined).catch((error: unknown) => error);
  assert.instance(said, CalledWrongly);
  assert.match(
    (said as Error).message,
    `${name} is the name of a disk: say --to /dev/${name}, or --to ./${name}`,
  );
  const path = join(process.cwd(), name);
  assert.equal(await destinationOf(`./${name}`, undefined), { kind: 'file', path, isThere: false });
});

test('what is to be typed is a word for a shell', async () => {
  const said = async (name: string) => {
    const path = place(name);
    writeFileSync(path, name);
    const file = { kind: 'file', path, isThere: true } as const;
    return await askItsName(file, undefined).then(
      () => 'taken',
      (error: Error) => error.message,
    );
  };
  assert.match(await said('plain.img'), '--yes-write plain.img says yes');
  assert.match(await said("my card's.img"), "--yes-write 'my card'\\''s.img' says yes");
});

test.run();
