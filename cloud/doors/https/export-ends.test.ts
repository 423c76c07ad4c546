import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditDraft } from '../../store/index.ts';
import { openDoors } from '../test-doors.ts';

test('an export of the audit log ends, and not as a whole file, once its token is revoked', async () => {
  const doors = await openDoors();
  const { organisation, store, https, authorityPem: ca } = doors;
  // More than the buffers between the cloud and a slow reader hold.
  const entry: AuditDraft = {
    ...{ organisation: 'first', at: Date.now(), actor: { kind: 'nobody', id: '' }, channel: 'test' },
    ...{ action: 'test', target: null, outcome: 'done', code: null, before: null, personal: null },
    after: { lines: Array.from({ length: 60 }, () => 'x'.repeat(1000)) },
  };
  for (let round = 0; round < 8; round++) {
    await store.change({ steps: [], audit: Array.from({ length: 50 }, () => entry) });
  }
  const made = await organisation.createToken({ body: { name: 'export', scopes: ['audit.get'], days: 1 } });
  const headers = { authorization: `Bearer ${made.value}` };
  const path = '/api/v1/organisations/first/audit/export';
  const ended = await new Promise<string>((resolve, reject) => {
    request({ host: 'localhost', port: https.port, ca, path, headers, agent: false }, async (answer) => {
      try {
        await organisation.deleteToken({ token: made.id });
        const slowUntil = Date.now() + 2000;
        for await (const _ of answer) if (Date.now() < slowUntil) await delay(10);
        resolve('as a whole file');
      } catch (error) {
        resolve((error as NodeJS.ErrnoException).code ?? String(error));
      }
    })
      .on('error', reject)
      .end();
  });
  assert.is(ended, 'ECONNRESET');
  await doors.close();
});

test.run();
