import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudClient, CloudError } from '@loadline/sdk/client';
import {
  type Entry,
  encodeBatch,
  type ForeignEventCode,
  gatewayEvent,
  type Reading,
} from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Principal } from '../../access/index.ts';
import { openAuthority } from '../../authority/index.ts';
import { Enrolments, makeFirstUser, Sessions } from '../../people/index.ts';
import { Directory, Live, Router } from '../../router/index.ts';
import { Store } from '../../store/index.ts';
import { HttpsDoor } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-https-'));
const start = Date.now() - 60_000;
const epoch = 'e0'.repeat(16);
const boot = 'b0'.repeat(16);
const calibration = { gain: 0.25, offset: -100 };
const log = { debug() {}, info() {}, warn() {}, error() {} };

let store: Store;
let live: Live;
let router: Router;
let door: HttpsDoor;
let client: CloudClient;
let stranger: CloudClient;

test.before(async () => {
  store = await Store.open({ file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) }, assert.unreachable);
  const authority = await openAuthority({
    folder: join(folder, 'authority'),
    now: Date.now,
    log: () => Promise.resolve(),
  });
  const path = (await makeFirstUser(store, folder)) ?? '';
  const { name, password } = JSON.parse(await readFile(path, 'utf8'));
  await store.done({ kind: 'gateway', id: 'mast', organisation: 'first' });
  await store.done({ kind: 'organisation', id: 'second', name: 'Second' });
  await store.done({ kind: 'gateway', id: 'theirs', organisation: 'second' });
  const directory = await Directory.load(store);
  live = new Live();
  router = new Router({ store, directory, live, now: Date.now, monotonic: () => performance.now() });
  door = await HttpsDoor.open({
    host: '127.0.0.1',
    port: 0,
    identity: await authority.issueServer({ names: ['127.0.0.1'] }),
    authority,
    store,
    directory,
    live,
    sessions: new Sessions(store, Date.now),
    enrolments: new Enrolments(store, Date.now),
    downlink: new Downlink(store, Date.now),
    connected: () => new Set(),
    acceptMqtt: (socket) => socket.destroy(),
    log,
  });
  const options = { url: `https://127.0.0.1:${door.port}`, authorityPem: authority.certificatePem };
  client = new CloudClient(options);
  await client.logIn(name, password);
  stranger = new CloudClient(options);
});

test.after(async () => {
  await door.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

function reading(monotonic: number, value: Reading['value'], over: Partial<Reading> = {}): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 0x25df,
    aspect: 'heard',
    calibration,
    monotonic,
    value,
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
    ...over,
  };
}

/** Delivers entries of the gateway's epoch, as a door does once it knows who delivers. */
async function deliver(first: number, entries: readonly Entry[]): Promise<void> {
  const body = encodeBatch({ epoch, parent: undefined, boot, oldest: 0, first, dropped: [] }, entries);
  const principal: Principal = { kind: 'gateway', id: 'mast', organisation: { id: 'first' } };
  const receipt = await new Promise<{ kind: string }>((resolve) =>
    router.deliver({ principal, gateway: 'mast', channel: 'telemetry', body }, resolve),
  );
  assert.is(receipt.kind, 'committed');
}

async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  try {
    await call;
  } catch (error) {
    assert.instance(error, CloudError);
    return [(error as CloudError).status, (error as CloudError).code];
  }
  throw new Error('it was not refused');
}

test('each aspect is a series with physical values, and the raw value can be read beside them', async () => {
  const told: Parameters<Parameters<Live['follow']>[1]>[0][number][] = [];
  const unfollow = live.follow({ id: 'first' }, (series) => told.push(...series));
  await deliver(0, [
    { kind: 'anchor', monotonic: 0, wall: start, uncertainty: 1 },
    reading(1000, { type: 'int32', value: 400 }),
    reading(2000, { type: 'int32', value: 404 }),
    reading(3000, { type: 'float64', value: 0.5 }, { aspect: 'mean', calibration: undefined }),
    reading(
      4000,
      { type: 'float64', value: 9 },
      { tag: 0xf001, port: 'derived', base: 0, aspect: 'derived', calibration: undefined },
    ),
  ]);
  const all = await client.series();
  assert.equal(
    all.map(({ tag, aspect, count, latest }) => [tag, aspect, count, latest?.value, latest?.calibrated]),
    [
      [
        '25DF',
        'heard',
        2,
        { type: 'float64', value: 1 },
        { raw: { type: 'int32', value: 404 }, ...calibration },
      ],
      ['25DF', 'mean', 1, { type: 'float64', value: 0.5 }, null],
      ['F001', 'derived', 1, { type: 'float64', value: 9 }, null],
    ],
  );
  const values = async (series: string) => {
    const range = { from: start, to: start + 60_000, points: 100 };
    return (await client.readings({ gateway: 'mast', series, ...range })).points.map(([, value]) => value);
  };
  assert.equal(await values('25DF'), [0, 1]);
  assert.equal(await values('25DF.mean'), [0.5]);
  assert.equal(await values('F001.derived'), [9]);
  assert.equal(await values('F001'), []);
  for (let waited = 0; told.length < 3 && waited < 100; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  unfollow();
  assert.equal(
    told.map(({ tag, aspect, points }) => [tag, aspect, points.map(([, value]) => value)]),
    [
      [0x25df, 'heard', [0, 1]],
      [0x25df, 'mean', [0.5]],
      [0xf001, 'derived', [9]],
    ],
  );
});

test('a calibration changes nothing of what is no number, and its overflow is no number', async () => {
  const latest = async () => (await client.series())[0]?.latest;
  await deliver(5, [reading(5000, { type: 'nonFinite', bits: 0x7fc00001 })]);
  const bad = { type: 'nonFinite', bits: '7fc00001' };
  assert.equal([(await latest())?.value, (await latest())?.calibrated], [bad, { raw: bad, ...calibration }]);
  const huge = { gain: -1e308, offset: 0 };
  await deliver(6, [reading(6000, { type: 'int32', value: 1000 }, { calibration: huge })]);
  assert.equal((await latest())?.value, { type: 'nonFinite', bits: 'ff800000' });
});

test('a name that is no series is refused', async () => {
  const range = { from: start, to: start + 1, points: 100 };
  for (const series of ['25df', '25DF.heard', '25DF.median', 'zzzz']) {
    const call = client.readings({ gateway: 'mast', series, ...range });
    assert.equal(await refusal(call), [400, 'request-invalid'], series);
  }
});

test('events come the newest first, page by page, with what they mean', async () => {
  assert.equal(await client.events({ gateway: 'mast' }), { events: [], next: null });
  const foreign = { ...gatewayEvent(9000, { code: 'port-open', subject: '', detail: '' }) };
  await deliver(7, [
    gatewayEvent(7000, { code: 'port-lost', subject: 'radio', detail: '/dev/ttyUSB0 is gone' }),
    gatewayEvent(8000, { code: 'sensor-stale', subject: '25DF', detail: '' }),
    { ...foreign, code: 'of-version-9' as ForeignEventCode },
  ]);
  const first = await client.events({ gateway: 'mast', limit: 2 });
  assert.equal(
    first.events.map(({ code, severity, time }) => [code, severity, time]),
    [
      ['of-version-9', null, new Date(start + 9000).toISOString()],
      ['sensor-stale', 'warning', new Date(start + 8000).toISOString()],
    ],
  );
  const rest = await client.events({ gateway: 'mast', limit: 2, before: first.next ?? '' });
  assert.equal(rest, {
    events: [
      {
        time: new Date(start + 7000).toISOString(),
        monotonicMs: 7000,
        epoch,
        number: 7,
        code: 'port-lost',
        severity: 'warning',
        meaning: 'the port was open and its device is gone',
        act: 'plug the adapter in; the port is opened again within a second',
        subject: 'radio',
        detail: '/dev/ttyUSB0 is gone',
      },
    ],
    next: null,
  });
  const { readings } = await client.ledger('mast');
  assert.equal([readings.received, readings.stored], [6, 6]);
});

test('events are for those who may read them', async () => {
  assert.equal(await refusal(stranger.events({ gateway: 'mast' })), [401, 'unauthenticated']);
  assert.equal(await refusal(client.events({ gateway: 'theirs' })), [404, 'not-found']);
  for (const before of ['7', '1.2.3', 'x.y']) {
    assert.equal(await refusal(client.events({ gateway: 'mast', before })), [400, 'request-invalid'], before);
  }
  assert.equal(await refusal(client.events({ gateway: 'mast', limit: 1001 })), [400, 'request-invalid']);
});

test.run();
