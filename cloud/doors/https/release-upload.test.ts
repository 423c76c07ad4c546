// Files of releases, sent to a cloud that was killed while it took them.
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CloudError } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sha256 } from '../../releases/test-release.ts';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('files of releases over HTTPS');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** Where a cloud has a file of this digest. */
const placeOf = ({ database }: Doors, file: string) =>
  join(dirname(database.file), 'releases', 'blobs', file);

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'it was taken',
    (error: unknown) => (error instanceof CloudError ? error.status : error),
  );

test('a cloud that was killed between the last byte and its name has the file with no byte more', async ({
  doors,
}) => {
  const { client } = doors;
  const bytes = randomBytes(2000);
  const file = sha256(bytes);
  writeFileSync(`${placeOf(doors, file)}.part`, bytes);
  const { missing } = await client.beginUpload({ body: { files: [file] } });
  assert.equal(missing, [{ sha256: file, from: 2000 }]);
  const body = { from: 2000, length: 2000, data: '' };
  assert.equal(await client.putReleasePart({ file, body }), { from: 2000, isWhole: true });
  assert.ok(existsSync(placeOf(doors, file)));
  assert.equal((await client.beginUpload({ body: { files: [file] } })).missing, []);
});

test('what such a file has on the disk and is not, is begun anew', async ({ doors }) => {
  const { client } = doors;
  const bytes = randomBytes(2000);
  const file = sha256(bytes);
  writeFileSync(`${placeOf(doors, file)}.part`, randomBytes(2000));
  assert.is(
    await refusal(client.putReleasePart({ file, body: { from: 2000, length: 2000, data: '' } })),
    400,
  );
  assert.equal((await client.beginUpload({ body: { files: [file] } })).missing, [{ sha256: file, from: 0 }]);
});

test('nothing is no part of a file that lacks something', async ({ doors: { client } }) => {
  const file = sha256(randomBytes(9));
  assert.is(await refusal(client.putReleasePart({ file, body: { from: 0, length: 9, data: '' } })), 400);
});

test.run();
