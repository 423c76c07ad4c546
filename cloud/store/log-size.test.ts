import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openConnection } from './database.ts';

test('a log that a long read has made long is cut back once that has ended', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-log-size-'));
  const file = join(folder, 'loadline.db');
  const options = { file, key: 'a5'.repeat(32), durability: 'off' as const };
  const writer = openConnection(options, 'write');
  writer.exec('create table t (body blob)');
  const add = writer.prepare('insert into t values (zeroblob(100000))');
  add.run();
  const reader = openConnection(options, 'read');
  const logBytes = () => statSync(`${file}-wal`).size;
  reader.exec('begin');
  reader.prepare('select count(*) from t').get();
  for (let times = 0; times < 500; times++) add.run();
  assert.ok(logBytes() > 40_000_000);
  reader.exec('commit');
  // The first is what folds all of it, the second begins the log anew.
  for (let times = 0; times < 50; times++) add.run();
  assert.ok(logBytes() <= 17_000_000, String(logBytes()));
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

test.run();
