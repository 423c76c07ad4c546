import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { facts, heard } from './fixtures/status.ts';
import { LocalControl, statusCommand } from './index.ts';
import { statusText } from './status.ts';

const test = suite('status');

const folder = mkdtempSync(join(tmpdir(), 'loadline-status-'));
const socket = join(folder, 'control.sock');
const silent = () => {};
const control = new LocalControl({
  path: socket,
  log: { info: silent, warn: silent, error: silent },
  monotonic: () => 5000,
  nameOf: () => ({ name: 'Mast top', unit: 'm/s', simulated: false }),
  facts: () => facts,
});

test.before(() => control.open());
test.after(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

async function run(options: { follow?: boolean; json?: boolean; socket?: string; lines?: number }) {
  const leaving = new AbortController();
  let [out, errors] = ['', ''];
  const feeding = setInterval(() => control.reading(heard(0x25df, 3.25)), 10);
  const code = await statusCommand({
    socket,
    follow: false,
    json: false,
    ...options,
    signal: leaving.signal,
    write: (text) => {
      out += text;
      if (out.split('\n').length > (options.lines ?? 1)) leaving.abort();
    },
    fail: (text) => {
      errors += text;
    },
  });
  clearInterval(feeding);
  return { code, out, errors };
}

test('says what matters in a screen of words', async () => {
  const { code, out } = await run({});
  assert.is(code, 0);
  for (const said of [
    'mast-1, version 0.1.0, process 42, up 2.0 h',
    'progressing',
    'cloud.example:8883, connected, round trip 31 ms; the last one ended 10 min ago: read ECONNRESET',
    'by the system, within 20 ms',
    '0.1.0 for linux-arm64, slot a\n',
    '88 days left',
    '10 = 9 readings + 0 copies + 1 suppressed + 0 other',
    'disk good, 12.3 MB written today',
    'port radio   open; 10 frames, 40 B of 200 B discarded',
    '67.0 MB resident, 12.3 s of processor',
  ]) {
    assert.ok(out.includes(said), `${said}\n\n${out}`);
  }
});

test('gives it as JSON', async () => {
  const { code, out } = await run({ json: true });
  assert.is(code, 0);
  assert.equal(JSON.parse(out).health, facts.health);
});

test('follows readings line by line, until told to leave', async () => {
  const { code, out } = await run({ follow: true, lines: 3 });
  assert.is(code, 0);
  assert.match(out, /^\d\d:\d\d:\d\d {2}Mast top {2}7.5 m\/s {2}\(25DF, radio\/1, link 100 %\)\n/);
  const json = await run({ follow: true, json: true, lines: 3 });
  assert.is(JSON.parse(json.out.split('\n')[1] ?? '').value, 7.5);
});

test('ends with code 3 and the reason where no gateway answers', async () => {
  const { code, out, errors } = await run({ socket: join(folder, 'none.sock') });
  assert.equal([code, out], [3, '']);
  assert.match(errors, 'no gateway runs here');
});

test('says aloud what is not well', () => {
  const text = statusText({
    ...facts,
    verdict: { kind: 'wedged', what: 'uplink: none is acknowledged' },
    cloud: { ...facts.cloud, link: 'down' },
    series: [],
    standing: [
      { code: 'tag-twice', severity: 'error', subject: '25DF', detail: 'x', secondsAgo: 1, times: 3 },
    ],
  });
  assert.match(text, 'WEDGED: uplink: none is acknowledged');
  assert.match(text, 'NOT connected; the last one ended 10 min ago');
  assert.match(text, 'error        tag-twice 25DF: x (1 s ago, 3 times)');
});

test('says how far an update is, and how it ended', () => {
  const said = (progress: (typeof facts)['release']['progress'], slot: 'b' | null = 'b') => {
    const release = {
      ...facts.release,
      running: { ...facts.release.running, slot },
      offer: 'f00d',
      progress,
    };
    return statusText({ ...facts, release, series: [], standing: [] });
  };
  for (const [progress, words] of [
    [{ state: 'waiting', detail: 'its window' }, 'slot b; update f00d waits: its window'],
    [{ state: 'downloading', done: 20_000, total: 500_000 }, 'update f00d downloads: 20 kB of 500 kB'],
    [{ state: 'installing' }, 'update f00d is being installed'],
    [{ state: 'trying', secondsLeft: 42 }, 'update f00d on trial: 42 s left to report health'],
    [{ state: 'confirmed' }, 'update f00d is confirmed'],
    [{ state: 'rolled-back', detail: 'it hangs' }, 'update f00d ROLLED BACK: it hangs'],
    [{ state: 'refused', code: 'no-room', detail: 'it takes 9 MB' }, 'REFUSED (no-room): it takes 9 MB'],
  ] as const) {
    assert.ok(said(progress).includes(words), said(progress));
  }
  assert.match(said({ state: 'idle' }, null), 'no launcher: updated by hand');
});

test('what a radio brings as text does not reach the terminal as orders', () => {
  const text = statusText({
    ...facts,
    standing: [],
    series: [
      {
        tag: '0001',
        aspect: 'heard',
        value: '\u001b[2J\u009b2J\r\nx',
        port: 'radio',
        base: 1,
        flaws: [],
        secondsAgo: 0,
      },
    ],
  });
  assert.not.match(text.replaceAll('\n', ''), /\p{Cc}/u);
  assert.is(text.trimEnd().split('\n').at(-1)?.startsWith('reading'), true);
});

test.run();
