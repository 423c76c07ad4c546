import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Receipt } from '../router/index.ts';
import { Store } from '../store/index.ts';
import { gauges, Metrics, measured, OperationsListener, Readiness } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'loadline-operations-'));
const database = join(folder, 'loadline.db');
const log = { info() {}, warn() {}, error: (event: string) => assert.unreachable(event) };
const clock = { now: 1000 };
const monotonic = () => clock.now;

let store: Store;
let metrics: Metrics;
let readiness: Readiness;
let listener: OperationsListener;

test.before(async () => {
  store = await Store.open({ file: database, key: 'a5'.repeat(32) }, assert.unreachable);
  metrics = new Metrics();
  store.onGroup((writes, milliseconds) => metrics.committed(writes, milliseconds));
  readiness = new Readiness({ folder, store, isFenced: () => false, monotonic });
  metrics.measure(
    gauges({
      store: {
        get writing() {
          return store.writing;
        },
        merging: { backlog: 6, failures: 1 },
        read: async () => [{ state: 'idle' }, { state: 'idle' }, { state: 'trying' }],
      },
      accounting: { open: 9, waiting: 10 },
      database,
      live: { followers: 3 },
      mqtt: { connections: () => [{ kind: 'gateway', count: 7 }] },
      https: { connections: async () => 2 },
      socket: { connections: () => [{ kind: 'tcp', count: 8 }] },
      mailer: { waiting: 4 },
      authentications: { waiting: 5 },
      auditKeeper: { keptAt: 10_000 },
      updating: {
        rollouts: { all: [{ state: 'halted' }] },
        releases: { fault: 'targets 1 ended', ends: 20_000 },
      },
      readiness,
      now: () => 15_000,
    }),
  );
  listener = await OperationsListener.open({ ...here, toAnybody: false, metrics, readiness, log });
});
test.after(async () => {
  await listener.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const here = { host: '127.0.0.1', port: 0 };

function ask(path: string, over: { method?: string; host?: string } = {}) {
  const { method = 'GET', host = `127.0.0.1:${listener.port}` } = over;
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const call = request({ ...here, port: listener.port, path, method, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    call.on('error', reject).end();
  });
}

/** Values of a scrape, by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const { body } = await ask('/metrics');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

test('gauges are asked for each scrape', async () => {
  const found = await scrape();
  for (const [name, value] of Object.entries({
    'loadline_connections{door="mqtt",kind="gateway"}': 7,
    'loadline_connections{door="https",kind="port"}': 2,
    'loadline_connections{door="socket",kind="tcp"}': 8,
    loadline_live_followers: 3,
    loadline_writer_waiting: 0,
    loadline_mails_waiting: 4,
    loadline_audit_waiting: 5,
    loadline_audit_kept_seconds: 5,
    loadline_merger_backlog_deliveries: 6,
    loadline_merger_failures: 1,
    loadline_accounting_open: 9,
    loadline_accounting_waiting: 10,
    'loadline_updates{state="idle"}': 2,
    'loadline_updates{state="trying"}': 1,
    'loadline_rollouts{state="halted"}': 1,
    loadline_releases_signed: 0,
    loadline_releases_hold_seconds: 5,
    loadline_ready: 1,
  }))
    assert.is(found.get(name), value, name);
  assert.ok((found.get('loadline_database_bytes') ?? 0) > 0);
  assert.ok((found.get('loadline_disk_free_bytes') ?? 0) > 0);
});

test('deliveries are counted by door and result, and their acknowledgement is timed', async () => {
  const receipts: Receipt[] = [
    { kind: 'committed', stored: 90, duplicate: 10 },
    { kind: 'rejected', code: 'batch-malformed', detail: '' },
    { kind: 'forbidden', code: 'forbidden' },
    { kind: 'failed', message: '' },
    { kind: 'answered', answer: { version: 1, sent: 0, wall: 0 } },
  ];
  const settled: Receipt[] = [];
  const router = {
    deliver(_delivery: unknown, settle: (receipt: Receipt) => void) {
      const receipt = receipts[settled.length] as Receipt;
      clock.now += 30;
      settle(receipt);
    },
  };
  const door = measured(router, { door: 'socket', metrics, monotonic });
  for (const _ of receipts) door.deliver({} as never, (receipt) => settled.push(receipt));
  assert.equal(settled, receipts);
  const found = await scrape();
  const deliveries = (result: string) =>
    found.get(`loadline_deliveries_total{door="socket",result="${result}"}`);
  assert.equal(['committed', 'rejected', 'forbidden', 'failed', 'answered'].map(deliveries), [
    ...[1, 1, 1, 1],
    undefined,
  ]);
  assert.is(found.get('loadline_readings_total{door="socket",result="stored"}'), 90);
  assert.is(found.get('loadline_readings_total{door="socket",result="duplicate"}'), 10);
  assert.is(found.get('loadline_acknowledgement_seconds_bucket{le="0.025",door="socket"}'), 0);
  assert.is(found.get('loadline_acknowledgement_seconds_bucket{le="0.05",door="socket"}'), 4);
});

test('groups of writes are counted as they are committed', async () => {
  const before = (await scrape()).get('loadline_commit_group_writes_count') ?? 0;
  await store.done({ kind: 'checkpoint', through: 0, series: [] });
  const found = await scrape();
  assert.is(found.get('loadline_commit_group_writes_count'), before + 1);
  assert.ok((found.get('loadline_commit_seconds_sum') ?? 0) > 0);
});

test('docs/operations.md has every metric, and no other', async () => {
  const { body } = await ask('/metrics');
  const told = new Set([...body.matchAll(/^# TYPE (loadline_\w+)/gm)].map(([, name]) => name));
  const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const named = new Set([...docs.matchAll(/`(loadline_\w+)/g)].map(([, name]) => name));
  assert.equal([...named].sort(), [...told].sort());
});

test('readiness says why it is none, and is healthy all the same', async () => {
  assert.equal(await ask('/readyz'), { status: 200, body: '{"ready":true,"reasons":[]}\n' });
  const stalled = { writing: { waiting: 1, stalledMilliseconds: 11_000, failure: undefined } };
  const failed = { writing: { waiting: 0, stalledMilliseconds: 0, failure: 'the writer thread has ended' } };
  const reasonsOf = (store: typeof stalled | typeof failed, fenced: boolean, where = folder) =>
    new Readiness({ folder: where, store, isFenced: () => fenced, monotonic }).reasons();
  assert.equal(await reasonsOf(stalled, false), ['writer-stalled']);
  assert.equal(await reasonsOf(failed, true), ['fenced', 'writer-failed']);
  assert.equal(await reasonsOf(failed, false, join(folder, 'none')), ['writer-failed', 'disk-unknown']);
  readiness.drain();
  assert.equal(await ask('/readyz'), { status: 503, body: '{"ready":false,"reasons":["draining"]}\n' });
  assert.is((await scrape()).get('loadline_ready'), 0);
  assert.equal(await ask('/healthz'), { status: 200, body: 'ok\n' });
});

test('it tells this machine alone, by a loopback name, and nothing else', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
    try {
      await OperationsListener.open({ host, port: 0, toAnybody: false, metrics, readiness, log });
      assert.unreachable(host);
    } catch (error) {
      assert.match((error as Error).message, '--metrics-open');
    }
  }
  for (const host of ['localhost', '127.0.0.1:9100', '[::1]:9100', '127.8.9.1'])
    assert.is((await ask('/healthz', { host })).status, 200, host);
  for (const host of ['rebound.example.org', '192.0.2.1'])
    assert.is((await ask('/metrics', { host })).status, 421, host);
  assert.is((await ask('/metrics', { method: 'POST' })).status, 405);
  assert.is((await ask('/metrics?x=1')).status, 404);
  assert.is((await ask('/')).status, 404);
  assert.equal((await ask('/metrics', { method: 'HEAD' })).body, '');
});

test.run();
