import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type RecordRow, Store, step, type UsageRow } from '../store/index.ts';
import { Accounting, usualAccounting } from './accounting.ts';
import type { Subject } from './subject.ts';

/** For the tests of accounting and of limits: a store on disk, and a clock that is set by hand. */

export const minute = 60_000;
export const day = 86_400_000;

/** Noon of a day in the middle of a month. */
export const noon = Date.UTC(2026, 10, 18, 12);

export const device: Subject = {
  ...{ kind: 'device', id: 'mast', organisation: 'first' },
  ...{ credential: null, person: null },
};

export const person: Subject = {
  ...{ kind: 'user', id: 'ann', organisation: 'first' },
  ...{ credential: 'session-1', person: 'ann' },
};

/** Opens accounts over a real store for as long as `use` runs. */
export async function withAccounts(use: (parts: Awaited<ReturnType<typeof openParts>>) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-accounting-'));
  const its = await openParts(folder);
  try {
    await use(its);
  } finally {
    await its.store.close();
    rmSync(folder, { recursive: true });
  }
}

async function openParts(folder: string) {
  const file = join(folder, 'loadline.db');
  const store = await Store.open({ file, key: 'a5'.repeat(32) }, assert.unreachable);
  const clock = { now: noon };
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  const log = { debug: note, info: note, warn: note, error: note };
  const ann = {
    id: 'ann',
    email: 'ann@example.org',
    name: 'Ann',
    passwordHash: null,
    operator: 0,
    created: 0,
  };
  await store.change({
    steps: [
      step('createOrganisation', { id: 'first', name: 'First', created: 0 }),
      step('addPerson', { ...ann, operator: 0 }),
    ],
    audit: [],
  });
  const now = () => clock.now;
  return {
    store,
    clock,
    lines,
    open: (over: Partial<Parameters<typeof Accounting.open>[1]> = {}) =>
      Accounting.open({ store, log, now }, { ...usualAccounting, ...over }),
    /** Every record, the oldest first. */
    async records(): Promise<RecordRow[]> {
      const query = { organisation: 'first', from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100_000 };
      return (await store.read('accountingRecords', query)).reverse();
    },
    /** What is kept of the days, by device. */
    async usage(by: 'device' | 'user' | 'organisation' = 'device'): Promise<UsageRow[]> {
      return await store.read('usage', {
        ...{ organisation: 'first', from: 0, to: 1e6, by, per: 'day', limit: 1000 },
      });
    },
  };
}
