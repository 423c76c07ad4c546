// @long
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Store, step } from '../store/index.ts';
import { surveyDatabase } from '../store/survey.ts';
import { delivery, firstGateway, numbered } from '../store/test-store.ts';
import { copyDatabase } from './copy-database.ts';

const key = 'a5'.repeat(32);

/** A store in a folder of its own, for as long as `use` runs. */
async function withStore(use: (store: Store, file: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-copy-'));
  const file = join(folder, 'loadline.db');
  const store = await Store.open({ file, key }, () => assert.unreachable());
  try {
    await store.change({ steps: firstGateway, audit: [] });
    await use(store, file, folder);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

function write(store: Store, first: number, count: number): Promise<unknown> {
  return new Promise((resolve) => store.write(delivery(first, numbered(first, first + count - 1)), resolve));
}

test('a copy taken while readings are committed is the database of one moment, whole', () =>
  withStore(async (store, file, folder) => {
    const batch = 500;
    let committed = 0;
    const writing = { on: true };
    // Rows are changed all over the file too, not only added at its end.
    const writer = async () => {
      for (let n = 0; writing.on; n++) {
        await write(store, n * batch, batch);
        committed = (n + 1) * batch;
        await store.change({
          steps: [step('cutOffOrganisation', { organisation: 'first', at: n })],
          audit: [],
        });
      }
    };
    for (let n = 0; n < 20; n++) await write(store, 10_000_000 + n * batch, batch);
    const done = writer();
    const before = committed;
    let most = 0;
    const to = join(folder, 'copy.db');
    let slowed = 0;
    await copyDatabase(
      file,
      to,
      async (question) => {
        // The file and its log grow and are folded between one answer and the next.
        const from = committed;
        while (slowed < 6 && question === 'changed' && committed < from + 40 * batch)
          await new Promise((r) => setTimeout(r, 5));
        slowed += 1;
        most = Math.max(most, statSync(`${file}-wal`).size);
        return await store.copy(question);
      },
      () => undefined,
    );
    const after = committed;
    writing.on = false;
    await done;
    const survey = surveyDatabase({ file: to, key });
    const rows = (survey.tables.delivery?.rows ?? 0) - 20;
    assert.ok(
      rows * batch > before && rows * batch <= after + 2 * batch,
      `${rows} deliveries of ${before}…${after}`,
    );
    assert.is(survey.ledger[0]?.readings.stored, (rows + 20) * batch);
    assert.ok(most < 64 * 1024 * 1024, `the log became ${most} bytes`);
  }));

test('a page that was missed is found out', () =>
  withStore(async (store, file, folder) => {
    await write(store, 0, 500);
    await store.close();
    const again = await Store.open({ file, key }, () => assert.unreachable());
    const to = join(folder, 'copy.db');
    let n = 0;
    await copyDatabase(
      file,
      to,
      async (question) => {
        const answer = await again.copy(question);
        if (question === 'begin') while (n < 20) await write(again, 1000 * ++n, 500);
        return answer.kind === 'changed' ? { ...answer, pages: answer.pages.slice(1) } : answer;
      },
      () => undefined,
    );
    await again.close();
    assert.throws(() => surveyDatabase({ file: to, key }));
  }));

test.run();
