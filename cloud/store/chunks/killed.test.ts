// @long
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Entry } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArchivedReading, archivedReadings } from '../archive.ts';
import { Committer } from '../commit.ts';
import { type Connection, migrate, openConnection } from '../database.ts';
import { migrations } from '../migrations.ts';
import { storeReads } from '../reads.ts';
import { delivery, device, epoch, firstGateway, numbered, withDatabase } from '../test-store.ts';

const wall = 1_790_000_000_000;
const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 1 };
const key = 'a5'.repeat(32);

/** Readings of five series in some deliveries, covered by a checkpoint. */
function fill(connection: Connection, deliveries: number): void {
  const committer = new Committer(connection, () => wall);
  committer.commit([delivery(0, [anchor])]);
  for (let at = 0; at < deliveries; at++) {
    const first = 1 + at * 20;
    const entries = numbered(first, first + 19).map(
      (entry, index) => ({ ...entry, tag: 1 + (index % 5) }) as Entry,
    );
    committer.commit([delivery(first, entries)]);
  }
  const { series, through } = storeReads(connection).seriesIndex({});
  const rows = series.map(({ latest, ...one }) => ({ ...one, latest: JSON.stringify(latest) }));
  committer.commit([{ kind: 'checkpoint', through, series: rows }]);
}

function inOrder(readings: Iterable<ArchivedReading>): ArchivedReading[] {
  return [...readings].sort((a, b) => a.number - b.number);
}

/** What must be the same before and after. */
function answers(connection: Connection, file: string) {
  const reads = storeReads(connection);
  return {
    readings: inOrder(archivedReadings({ file, key })),
    run: reads.run({ device, epoch }),
    ledger: reads.ledger({ device, limit: 9 }),
    series: reads.seriesIndex({}).series,
  };
}

test('killed again and again while it merges, nothing is lost, and nothing is there twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-killed-'));
  const file = join(folder, 'loadline.db');
  try {
    const connection = openConnection({ file, key }, 'write');
    migrate(connection, migrations);
    new Committer(connection, () => 0).commit([{ kind: 'change', steps: firstGateway, audit: [] }]);
    fill(connection, 80);
    const before = answers(connection, file);
    connection.close();
    let kills = 0;
    for (let isMerged = false; !isMerged; ) {
      const program = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));
      const child = spawn(process.execPath, [...process.execArgv, program, file, key]);
      const ended = once(child, 'exit');
      let slices = 0;
      const wanted = 1 + ((kills * 7) % 23);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        isMerged ||= text.includes('all');
        slices += text.split('.').length - 1;
        // At once: whatever it is at, it is in the middle of.
        if (slices >= wanted) child.kill('SIGKILL');
      });
      await ended;
      kills++;
      const after = openConnection({ file, key }, 'write');
      assert.equal(answers(after, file), before);
      after.close();
    }
    assert.ok(kills > 3, `${kills} lives`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a slice that fails at any of its statements leaves all as it was', async () => {
  await withDatabase((connection, file) => {
    fill(connection, 4);
    const reads = storeReads(connection);
    const size = { deliveries: 100, readings: 1000, series: 100 };
    new Committer(connection, () => wall).commit([
      reads.mergeSlice({ device, size: { ...size, deliveries: 3 } }) as never,
    ]);
    const before = answers(connection, file);
    const slice = reads.mergeSlice({ device, size });
    assert.ok(slice !== undefined && slice.replaced.length > 0 && slice.deliveries.length > 0);
    const count = (sql: string) => connection.prepare(sql).pluck().get() as number;
    const rows = () =>
      ['delivery', 'chunk', 'chunk_body', 'chunk_epoch'].map((table) =>
        count(`select count(*) from ${table}`),
      );
    const stood = rows();
    // The nth change of a row fails, of whichever table.
    let failed = 0;
    for (let nth = 1; ; nth++) {
      connection.exec('create temp table countdown (left integer)');
      connection.exec(`insert into countdown values (${nth})`);
      for (const [table, event] of [
        ['delivery', 'delete'],
        ['chunk', 'delete'],
        ['chunk_body', 'delete'],
        ['chunk_epoch', 'delete'],
        ['chunk', 'insert'],
        ['chunk_body', 'insert'],
        ['chunk_epoch', 'insert'],
      ]) {
        connection.exec(`create temp trigger fail_${table}_${event} before ${event} on main.${table} begin
          update countdown set left = left - 1;
          select raise(abort, 'as when the disk is full') from countdown where left = 0; end`);
      }
      const [outcome] = new Committer(connection, () => wall).commit([slice]);
      for (const name of connection
        .prepare("select name from sqlite_temp_master where type = 'trigger'")
        .pluck()
        .all()) {
        connection.exec(`drop trigger ${name}`);
      }
      connection.exec('drop table countdown');
      if (outcome?.kind === 'done') break;
      failed++;
      assert.equal(outcome, { kind: 'failed', message: 'as when the disk is full' });
      assert.equal(rows(), stood);
      assert.equal(answers(connection, file), before);
    }
    assert.ok(failed > 10, `${failed} statements`);
    assert.equal(answers(connection, file), before);
  });
});

test('a slice is refused whole where one of its deliveries or chunks is not there any more', async () => {
  await withDatabase((connection, file) => {
    fill(connection, 6);
    const reads = storeReads(connection);
    const committer = new Committer(connection, () => wall);
    const take = (deliveries: number) =>
      reads.mergeSlice({ device, size: { deliveries, readings: 1000, series: 100 } });
    const [first, second] = [take(3), take(4)];
    assert.ok(first !== undefined && second !== undefined);
    assert.is(committer.commit([first])[0]?.kind, 'done');
    const before = answers(connection, file);
    assert.match(JSON.stringify(committer.commit([second])), 'merged meanwhile');
    const third = take(1);
    assert.ok(third !== undefined && third.replaced.length > 0);
    const again = { ...third, deliveries: [] };
    assert.is(committer.commit([third])[0]?.kind, 'done');
    assert.match(JSON.stringify(committer.commit([again])), 'replaced meanwhile');
    assert.equal(answers(connection, file), before);
  });
});

test.run();
