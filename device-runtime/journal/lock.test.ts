import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderInUse } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openJournal } from './testing.ts';

const test = suite('one gateway a folder');

let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-lock-'));
});

test.after.each(() => rmSync(folder, { recursive: true, force: true }));

test('the journal takes the folder, and gives it up when it is closed', async () => {
  const journal = await openJournal(folder);
  let refused: unknown;
  await openJournal(folder).catch((error) => {
    refused = error;
  });
  assert.instance(refused, FolderInUse);
  await journal.close();
  await (await openJournal(folder)).close();
});

test.run();
