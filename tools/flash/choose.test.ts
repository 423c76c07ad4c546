// What is read is never what is written, by whatever name it is called.
import { linkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from '../cloud/outcome.ts';
import { destinationOf, mustBeAnother } from './choose.ts';
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

test.run();
