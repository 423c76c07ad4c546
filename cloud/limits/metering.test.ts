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

test('readings, bytes and connections are limited of a credential, readings and bytes of an address', async () => {
  await withAccounts(async ({ open, clock }) => {
    const accounting = await open();
    const metered = (over: { credential?: object; address?: object }) => {
      const { credential, address } = usualLimits;
      const limits = {
        ...usualLimits,
        burstSeconds: 1,
        credential: { ...credential, ...over.credential },
        address: { ...address, exempt: [], ...over.address },
      };
      return new Metering({ accounting, limits, now: () => clock.now, monotonic: () => 0 });
    };
    const refusal = (over: Parameters<typeof metered>[0]) => {
      const meter = metered(over).visit(mast, { door: 'https', source: '192.0.2.1' });
      assert.is(meter.deliver(10), undefined);
      meter.readings(10);
      return meter.deliver(10)?.policy;
    };
    assert.is(refusal({}), undefined);
    assert.is(refusal({ credential: { readingsPerSecond: 5 } }), 'credential-readings');
    assert.is(refusal({ credential: { bytesPerSecond: 5 } }), 'credential-bytes');
    assert.is(refusal({ address: { readingsPerSecond: 5 } }), 'address-readings');
    assert.is(refusal({ address: { bytesPerSecond: 5 } }), 'address-bytes');
    const metering = metered({ credential: { connectionsPerMinute: 1 } });
    const begin = () => metering.begin(mast, { door: 'mqtt', source: '192.0.2.1' }, () => {});
    const first = begin();
    assert.ok('account' in first);
    const second = begin();
    assert.is('kind' in second && second.policy, 'credential-connections');
    await accounting.close();
  });
});

test('a credential and an address have quotas of the day, of what they deliver and of being connected', async () => {
  await withAccounts(async ({ open, clock }) => {
    const accounting = await open();
    let elapsed = 0;
    const metered = (over: { credential?: object; address?: object }) => {
      const { credential, address } = usualLimits;
      const limits = {
        ...usualLimits,
        credential: { ...credential, ...over.credential },
        address: { ...address, exempt: [], ...over.address },
      };
      return new Metering({ accounting, limits, now: () => clock.now, monotonic: () => elapsed });
    };
    const day = 86_400_000;
    for (const [over, policy] of [
      [{ credential: { messagesPerDay: 2 } }, 'credential-messages-per-day'],
      [{ address: { readingsPerDay: 20 } }, 'address-readings-per-day'],
      [{ address: { bytesPerMonth: 20 } }, 'address-bytes-per-month'],
    ] as const) {
      const metering = metered(over);
      const deliver = () => {
        const meter = metering.visit(mast, { door: 'https', source: '192.0.2.1' });
        const limited = meter.deliver(10);
        if (limited === undefined) meter.readings(10);
        return limited?.policy;
      };
      assert.equal([deliver(), deliver(), deliver()], [undefined, undefined, policy]);
      clock.now += day;
      metering.tick();
      assert.is(deliver(), policy.endsWith('month') ? policy : undefined);
      clock.now -= day;
      metering.tick();
      assert.is(deliver(), policy.endsWith('month') ? policy : undefined);
      assert.is(deliver(), policy, 'a clock that is set back gives nothing back');
    }
    const metering = metered({ credential: { connectionMinutesPerDay: 2 } });
    let over: string | undefined;
    metering.begin(mast, { door: 'mqtt', source: '192.0.2.1' }, ({ policy }) => {
      over = policy;
    });
    for (const minute of [1, 2, 3]) {
      assert.is(over, undefined, `after ${minute - 1} minutes`);
      elapsed += 59_000;
      metering.tick();
    }
    assert.is(over, 'credential-connection-time-per-day');
    await accounting.close();
  });
});

test.run();
