import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DevicePrincipal } from '../access/index.ts';
import { withAccounts } from '../accounting/test-parts.ts';
import { Metering } from './metering.ts';
import { usualLimits } from './settings.ts';

const mast: DevicePrincipal = {
  ...{ kind: 'device', id: 'mast', organisation: { id: 'first' }, credential: 'tok_1' },
};

test('who comes without a connection counts for the address that each delivery comes from', async () => {
  await withAccounts(async ({ open, clock }) => {
    const accounting = await open();
    const address = { ...usualLimits.address, messagesPerSecond: 1, exempt: ['10.0.0.0/8'] };
    const metering = new Metering({
      ...{ accounting, now: () => clock.now, monotonic: () => 0 },
      limits: { ...usualLimits, burstSeconds: 1, address },
    });
    const from = (source: string) => metering.visit(mast, { door: 'https', source }).deliver(1)?.policy;
    assert.is(from('10.0.0.1'), undefined);
    assert.is(from('192.0.2.1'), undefined);
    assert.is(from('192.0.2.1'), 'address-messages');
    assert.is(from('192.0.2.2'), undefined);
    assert.is(from('10.0.0.1'), undefined);
    assert.is(from('192.0.2.1'), 'address-messages');
    assert.is(accounting.open, 1);
    await accounting.close();
  });
});

test.run();
