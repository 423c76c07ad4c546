import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DevicePrincipal } from '../access/index.ts';
import { Store, step } from '../store/index.ts';
import { Directory } from './directory.ts';
import { Live } from './live.ts';
import { type Receipt, Router } from './router.ts';

const start = 1_795_000_000_000;
/** Nothing of what was stored has gone. */
const kept = { expired: 0, deleted: 0 };
const test = suite<{ folder: string; store: Store; directory: Directory; router: Router; now: number }>(
  'readings by name',
);

test.before.each(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-named-'));
  context.now = start;
  context.store = await Store.open(
    { file: join(context.folder, 'loadline.db'), key: 'a5'.repeat(32) },
    assert.unreachable,
  );
  await context.store.change({
    steps: [
      step('createOrganisation', { id: 'first', name: 'First', created: 0 }),
      step('addDevice', { id: 'logger', organisation: 'first', kind: 'software' }),
      step('addDevice', { id: 'other', organisation: 'first', kind: 'software' }),
    ],
    audit: [],
  });
  await open(context);
});

test.after.each(async ({ store, folder }) => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function open(context: { store: Store; directory: Directory; router: Router; now: number }) {
  context.directory = await Directory.load(context.store);
  const parts = { store: context.store, directory: context.directory, live: new Live() };
  context.router = new Router({ ...parts, now: () => context.now, monotonic: () => performance.now() });
}

const principal: DevicePrincipal = {
  kind: 'device',
  id: 'logger',
  organisation: { id: 'first' },
  credential: 'c',
};

function deliver(router: Router, map: unknown, key?: string, device = 'logger'): Promise<Receipt> {
  const body = Buffer.from(typeof map === 'string' ? map : JSON.stringify(map));
  const named = { channel: 'readings', form: 'json', door: 'https', body, key } as const;
  return new Promise((resolve) => router.deliver({ principal, device, ...named }, resolve));
}

async function points({ store, directory }: { store: Store; directory: Directory }, name: string) {
  const device = directory.device('logger');
  const tag = device?.channels.named(name)?.number ?? -1;
  const range = { aspect: 'heard', from: 0, to: 9e12, points: 100 } as const;
  return (await store.read('range', { device: device?.number ?? -1, tag, ...range })).points;
}

const stored = (count: number, duplicate = 0): Receipt => ({ kind: 'committed', stored: count, duplicate });

test('readings by name are stored under their names, also after a restart', async (context) => {
  assert.equal(await deliver(context.router, { temp: 21.5, door: true, note: 'ok' }), stored(3));
  await open(context);
  const timestamp = new Date(start - 5000).toISOString();
  assert.equal(
    await deliver(context.router, { hum: 40, temp: { value: 20, timestamp, unit: 'Cel' } }),
    stored(2),
  );
  assert.equal(await points(context, 'temp'), [
    [start - 5000, 20],
    [start, 21.5],
  ]);
  assert.equal(await points(context, 'hum'), [[start, 40]]);
  assert.equal(context.directory.device('logger')?.channels.named('temp'), {
    number: 0,
    name: 'temp',
    unit: 'Cel',
  });
  const ledger = await context.store.read('ledger', { device: 1, limit: 5 });
  assert.equal(ledger?.readings, { ...kept, received: 5, stored: 5, duplicate: 0, rejected: 0 });
  assert.equal(
    ledger?.epochs.map(({ received, gaps }) => [received, gaps]),
    [[[{ first: 0, last: 4 }], []]],
  );
});

test('what comes again under its key counts once, and another body under that key is refused for good', async (context) => {
  const { router } = context;
  assert.equal(await deliver(router, { temp: 1 }, 'a'), stored(1));
  assert.equal(await deliver(router, { temp: 1 }, 'a'), stored(0, 1));
  const refused = await deliver(router, { temp: 2 }, 'a');
  assert.is(refused.kind === 'rejected' && refused.code, 'delivery-differs');
  assert.equal(await deliver(router, { temp: 2 }, 'b'), stored(1));
  context.now += 8 * 86_400_000;
  assert.equal(await deliver(router, { temp: 3 }, 'a'), stored(1));
  const ledger = await context.store.read('ledger', { device: 1, limit: 5 });
  assert.equal(ledger?.readings, { ...kept, received: 5, stored: 3, duplicate: 1, rejected: 1 });
});

test('without a key the same body is the same delivery only where every reading says its time', async (context) => {
  const timed = { temp: { value: 1, timestamp: start } };
  assert.equal(await deliver(context.router, timed), stored(1));
  assert.equal(await deliver(context.router, timed), stored(0, 1));
  assert.equal(await deliver(context.router, { temp: 1 }), stored(1));
  assert.equal(await deliver(context.router, { temp: 1 }), stored(1));
});

test('a time from now is one each time it comes: the same body is another delivery', async (context) => {
  const pack = (t: number) => {
    const body = Buffer.from(JSON.stringify([{ n: 'level', u: 'm', v: 3, t }]));
    const named = { channel: 'readings', form: 'senml', door: 'https', body, key: undefined } as const;
    return new Promise<Receipt>((resolve) =>
      context.router.deliver({ principal, device: 'logger', ...named }, resolve),
    );
  };
  assert.equal(await pack(-60), stored(1));
  context.now += 5000;
  assert.equal(await pack(-60), stored(1));
  assert.equal(await points(context, 'level'), [
    [start - 60_000, 3],
    [start - 55_000, 3],
  ]);
  assert.equal(await pack(start / 1000), stored(1));
  assert.equal(await pack(start / 1000), stored(0, 1), 'one that counts from 1970 is known again');
});

test('a body that is none of the form is rejected with a reason, and kept', async (context) => {
  for (const body of ['', '[1]', '{"a b":1}', '{"temp":null}', '{"temp":{"value":1,"timestamp":"noon"}}']) {
    const receipt = await deliver(context.router, body);
    assert.is(receipt.kind === 'rejected' && receipt.code, 'readings-malformed', body);
  }
  const ledger = await context.store.read('ledger', { device: 1, limit: 5 });
  assert.is(ledger?.deliveries.rejected, 5);
});

test('a device delivers for itself only, and not while it is switched off', async ({ router, directory }) => {
  const foreign = await deliver(router, { temp: 1 }, undefined, 'other');
  assert.equal(foreign, { kind: 'forbidden', code: 'topic-forbidden' });
  const device = directory.device('logger');
  assert.ok(device);
  device.enabled = false;
  assert.equal(await deliver(router, { temp: 1 }), { kind: 'forbidden', code: 'device-disabled' });
});

test('readings that are too many bytes for one delivery are refused with what to do', async ({ router }) => {
  const texts = Array.from({ length: 3000 }, (_, at) => ({
    ...{ n: 's0', t: start / 1000 + at, vs: randomBytes(150).toString('base64') },
  }));
  const body = Buffer.from(JSON.stringify(texts));
  const named = { channel: 'readings', form: 'senml', door: 'https', body, key: undefined } as const;
  const refused = await new Promise<Receipt>((resolve) =>
    router.deliver({ principal, device: 'logger', ...named }, resolve),
  );
  assert.is(refused.kind === 'rejected' && refused.code, 'readings-limit');
  assert.match(refused.kind === 'rejected' ? refused.detail : '', /send them in several deliveries/);
});

test('a delivery that names too many series leaves room for those of the next one', async ({ router }) => {
  const map = Object.fromEntries(Array.from({ length: limits.deviceSeries + 1 }, (_, at) => [`s${at}`, at]));
  const refused = await deliver(router, map);
  assert.is(refused.kind === 'rejected' && refused.code, 'readings-limit');
  assert.equal(await deliver(router, { temp: 21.5 }), { kind: 'committed', stored: 1, duplicate: 0 });
});

test.run();
