import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTestKeys } from '../keys/test-keys.ts';
import { onlineKeysFile } from '../releases/index.ts';
import { openOnlineKeys } from '../releases/online-keys.ts';
import { copyKeys } from './backup.ts';

test('the keys by which releases are signed go with the other keys, or a root would have to name new ones', async () => {
  const state = await makeTestKeys();
  const folder = mkdtempSync(join(tmpdir(), 'loadline-release-keys-'));
  try {
    await openOnlineKeys(state.folder, state.keys, state.now);
    await copyKeys(state.folder, join(folder, 'keys'), join(folder, 'backup'));
    const [kept, there] = [join(folder, 'keys'), state.folder].map((one) =>
      readFileSync(join(one, onlineKeysFile), 'utf8'),
    );
    assert.is(kept, there);
  } finally {
    state.remove();
    rmSync(folder, { recursive: true });
  }
});

test.run();
