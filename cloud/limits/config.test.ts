import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usualAccounting } from '../accounting/index.ts';
import { loadLimits } from './config.ts';
import { usualLimits } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-limits-'));
test.after(() => rmSync(folder, { recursive: true }));

async function load(text: string) {
  const file = join(folder, 'limits.toml');
  writeFileSync(file, text);
  return await loadLimits(file);
}

test('what the file leaves out is as usual, and "unlimited" is no limit', async () => {
  assert.equal(await load(''), { limits: usualLimits, accounting: usualAccounting });
  const { limits, accounting } = await load(`
    burst_seconds = 30
    [device]
    messages_per_second = 2.5
    readings_per_second = "unlimited"
    connection_minutes_per_month = 1000
    [credential]
    bytes_per_second = 1000
    [address]
    readings_per_second = 500
    exempt = ["10.0.0.0/8", "fd00::/8"]
    [accounting]
    interim_seconds = 60
    source_days = 7
  `);
  assert.is(limits.burstSeconds, 30);
  assert.equal(limits.device, {
    ...usualLimits.device,
    messagesPerSecond: 2.5,
    readingsPerSecond: null,
    connectionMinutesPerMonth: 1000,
  });
  assert.equal(limits.credential, { ...usualLimits.credential, bytesPerSecond: 1000 });
  assert.equal(limits.address, {
    ...usualLimits.address,
    readingsPerSecond: 500,
    exempt: ['10.0.0.0/8', 'fd00::/8'],
  });
  assert.equal(accounting, { ...usualAccounting, interimMilliseconds: 60_000, sourceDays: 7 });
});

test('whatever is wrong in it is named with its line', async () => {
  for (const [text, expected] of [
    [
      '[device]\nmessages_per_second = 0',
      ':2: device.messages_per_second must be a number above 0, or "unlimited"',
    ],
    ['[device]\nmessages_per_day = "none"', ':2: device.messages_per_day must be'],
    ['[devices]\nx = 1', 'devices is not a key of the configuration'],
    ['[address]\nexempt = ["10.0.0.1"]', 'must be a network in CIDR notation'],
    ['burst_seconds = 0', ':1: burst_seconds must be a whole number from 1 to 3600'],
    ['[device', ':1'],
  ] as const) {
    try {
      await load(text);
      assert.unreachable(text);
    } catch (error) {
      assert.ok((error as Error).message.includes(expected), (error as Error).message);
    }
  }
});

test.run();
