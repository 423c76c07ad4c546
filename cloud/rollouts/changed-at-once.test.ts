// Two people say something of one gateway at the same moment: neither takes back what the other said.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours } from '../doors/test-doors.ts';
import type { AuditDraft } from '../store/index.ts';

const test = suite<{ doors: Doors }>('what is said of one gateway');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

const entry = (before: AuditDraft['before'], after: AuditDraft['after']): AuditDraft => ({
  ...{ organisation: 'first', at: Date.now(), actor: { kind: 'cloud', id: 'cloud' }, channel: 'cloud' },
  ...{ action: 'update.set', target: { kind: 'device', id: ours }, outcome: 'done', code: null },
  ...{ before, after, personal: null },
});

test('a pin stays where somebody marks the gateway as a canary meanwhile', async ({ doors }) => {
  const { updates } = doors.updating;
  const device = doors.directory.device(ours);
  assert.ok(device);
  const editor = { by: 'Ann', entry };
  const said = [{ pin: '1.1.0' }, { isCanary: true }];
  await Promise.all(said.map((change) => updates.change(device, change, editor)));
  const { setting } = await updates.view(device);
  assert.equal([setting?.pin_release, setting?.canary], ['1.1.0', 1]);
});

test.run();
