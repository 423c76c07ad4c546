import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GatewayStatus } from '../control/index.ts';
import { HeardTags } from './heard-tags.ts';
import { Refused } from './refused.ts';
import { stepOf, Trial, type TrialLook } from './trial.ts';

const test = suite('a trial, and what is heard before it');

function statusOf(
  link: 'up' | 'down' | 'unborn',
  more: { reason?: string; series?: number; trust?: string } = {},
) {
  const { reason, series = 0, trust = 'system' } = more;
  return {
    cloud: { host: 'cloud.example', port: 8883, link },
    series: Array.from({ length: series }, () => ({})),
    health: {
      clock: { trust },
      uplink: { disconnects: reason === undefined ? [] : [{ secondsAgo: 1, reason }] },
    },
  } as unknown as GatewayStatus;
}

const lookOf = (of: Partial<TrialLook>): TrialLook => ({
  hasNetwork: true,
  status: undefined,
  reason: '',
  delivered: undefined,
  ...of,
});

test('each step on the way is told by its name', () => {
  const reading = { epoch: 'ab', number: 3, tag: 0x25df };
  const steps: [look: TrialLook, step: string, detail: string][] = [
    [lookOf({ reason: 'no authority' }), 'network', 'not at work: no authority'],
    [lookOf({ hasNetwork: false, status: statusOf('down') }), 'network', 'no interface has an address'],
    [lookOf({ status: statusOf('unborn') }), 'enrolling', 'no certificate'],
    [lookOf({ status: statusOf('down', { trust: 'nobody' }) }), 'clock', 'nobody vouches'],
    [lookOf({ status: statusOf('down') }), 'connecting', 'to cloud.example:8883'],
    [lookOf({ status: statusOf('down', { reason: 'refused', trust: 'nobody' }) }), 'connecting', 'refused'],
    [lookOf({ status: statusOf('up') }), 'connected', 'no transmitter is heard'],
    [lookOf({ status: statusOf('up', { series: 2 }) }), 'hearing', '2 series'],
    [lookOf({ delivered: reading, status: statusOf('down') }), 'delivered', '25DF'],
  ];
  for (const [look, step, detail] of steps) {
    const said = stepOf(look);
    assert.is(said.step, step);
    assert.match(said.detail, detail);
  }
});

test('a trial tells each step once, and ends with the reading', async () => {
  const looks = [
    lookOf({ status: statusOf('down') }),
    lookOf({ status: statusOf('down') }),
    lookOf({ status: statusOf('up') }),
    lookOf({ delivered: { epoch: 'ab', number: 3, tag: 1 } }),
  ];
  const trial = new Trial({
    look: async () => looks.shift() ?? lookOf({}),
    findings: async () => [],
    every: 1,
  });
  const told: string[] = [];
  const reading = await trial.run({
    seconds: 5,
    signal: new AbortController().signal,
    tell: (step) => told.push(step),
  });
  assert.equal(reading, { epoch: 'ab', number: 3, tag: '0001' });
  assert.equal(told, ['connecting', 'connected', 'delivered']);
  assert.ok(trial.hasDelivered(reading));
  assert.not(trial.hasDelivered({ ...reading, number: 4 }));
});

test('trials without end keep the readings of the latest alone', async () => {
  let number = 0;
  const trial = new Trial({
    look: async () => lookOf({ delivered: { epoch: 'ab', number: ++number, tag: 1 } }),
    findings: async () => [],
  });
  const { signal } = new AbortController();
  const first = await trial.run({ seconds: 5, signal, tell: () => {} });
  assert.ok(trial.hasDelivered(first));
  let last = first;
  for (let more = 0; more < 32; more++) last = await trial.run({ seconds: 5, signal, tell: () => {} });
  assert.not(trial.hasDelivered(first));
  assert.ok(trial.hasDelivered(last));
});

test('one that fails says how far it came, what is wrong and what to do; one that nobody waits for ends', async () => {
  const trial = new Trial({
    look: async () => lookOf({ status: statusOf('down', { reason: 'the name has no address' }) }),
    findings: async () => [{ severity: 'error', about: 'cloud', says: 'it is away', act: 'call somebody' }],
    every: 1,
  });
  const ended = new AbortController();
  const run = (seconds: number) =>
    trial.run({ seconds, signal: ended.signal, tell: () => {} }).catch((error: Refused) => error);
  const failed = await run(0.02);
  assert.instance(failed, Refused);
  assert.match(
    (failed as Refused).message,
    /within 0\.02 s; it came as far as "connecting".*has no address\ncloud: it is away -> call somebody/,
  );
  ended.abort();
  assert.match(((await run(600)) as Refused).message, 'the session is over');
});

test('tags are listed by their signal, with what is known of each', () => {
  const heard = new HeardTags();
  const radio = (rssi: number) => ({ kind: 'radio' as const, rssi, cv: 0xe8 });
  const reading = (tag: number, rssi: number) => ({
    base: 1,
    tag,
    value: { type: 'float32' as const, value: Math.fround(1.1) },
    flags: 0x40,
    quality: radio(rssi),
  });
  heard.heard(reading(0x25df, 0xec), '/dev/a', 1000);
  heard.heard(reading(0x3a10, 0xfb), '/dev/a', 2000);
  heard.heard(reading(0x3a10, 0xfb), '/dev/a', 3000);
  heard.heard(
    { ...reading(1, 0), base: 0, flags: 0, value: { type: 'nonFinite', bits: 0 }, quality: { kind: 'none' } },
    '/dev/b',
    3000,
  );
  assert.equal(heard.list(3500), [
    {
      tag: '3A10',
      port: '/dev/a',
      base: 1,
      frames: 2,
      rssi: -50,
      cv: 104,
      value: '1.1',
      lowBattery: true,
      secondsAgo: 0.5,
    },
    {
      tag: '25DF',
      port: '/dev/a',
      base: 1,
      frames: 1,
      rssi: -65,
      cv: 104,
      value: '1.1',
      lowBattery: true,
      secondsAgo: 2.5,
    },
    {
      tag: '0001',
      port: '/dev/b',
      base: null,
      frames: 1,
      rssi: null,
      cv: null,
      value: 'no number',
      lowBattery: false,
      secondsAgo: 0.5,
    },
  ]);
});

test('no more tags are listed than one message may name', () => {
  const heard = new HeardTags();
  for (let tag = 0; tag < 1000; tag++) {
    const value = { type: 'none' } as const;
    heard.heard({ base: 1, tag, value, flags: 0, quality: { kind: 'none' } }, '/dev/a', 0);
  }
  assert.is(heard.list(0).length, 256);
});

test('of more tags than one message names, those heard last are told, and none is forgotten meanwhile', () => {
  const heard = new HeardTags();
  const hear = (tag: number, at: number) => {
    const reading = { base: 1, tag, value: { type: 'none' }, flags: 0, quality: { kind: 'none' } } as const;
    heard.heard(reading, '/dev/a', at);
  };
  for (let tag = 0; tag <= 256; tag++) hear(tag, tag);
  const told = () => heard.list(1000).map(({ tag }) => tag);
  assert.ok(told().includes('0100'), 'the 257th is told');
  assert.not.ok(told().includes('0000'), 'the one heard longest ago is not');
  hear(0, 500);
  assert.is(heard.list(1000).find(({ tag }) => tag === '0000')?.frames, 2);
  assert.not.ok(told().includes('0001'));
});

test.run();
