import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, Directory } from '../../../router/index.ts';
import { Store, step } from '../../../store/index.ts';
import { deviceHandlers } from './devices.ts';

const standing = { reach: { devices: null, tags: null, departments: 'all', customer: null } };
const entry = (what = {}) => ({
  ...{ organisation: 'first', at: 0, actor: { kind: 'user', id: 'u' }, channel: 'https', action: 'a' },
  ...{ target: null, outcome: 'done', code: null, before: null, after: null, personal: null, ...what },
});

test('who renames a device does not switch on what another switches off meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-devices-'));
  const database = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
  const store = await Store.open(database, assert.unreachable);
  try {
    const steps = [
      step('createOrganisation', { id: 'first', name: 'First', created: 0 }),
      step('addDevice', { id: 'logger', organisation: 'first', kind: 'software' }),
    ];
    await store.change({ steps, audit: [] });
    const directory = await Directory.load(store);
    const device = directory.device('logger') as Device;
    const { patchDevice } = deviceHandlers({ store, directory, isConnected: () => false } as never);
    const patch = (body: object) => patchDevice({ input: { body }, device, standing, entry } as never);
    await Promise.all([patch({ enabled: false }), patch({ name: 'by the gate' })]);
    assert.equal([device.enabled, device.name], [false, 'by the gate']);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
