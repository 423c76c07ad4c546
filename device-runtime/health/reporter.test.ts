import type { HealthMessage } from '@loadline/sdk/contract';
import { healthMessage } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { composeHealth, countersOf, type HealthSources, processFigures } from './health.ts';
import { HealthReporter } from './reporter.ts';

const test = suite('health');

const sources: HealthSources = {
  journal: {
    epoch: 'ab'.repeat(16),
    held: 0,
    heldBytes: 0,
    dropped: 0,
    disk: { state: 'good', written: 4096, writtenToday: 1024 },
  },
  ports: [
    { name: 'radio', open: true, bytes: 21, frameBytes: 16, discardedBytes: 3, heldBytes: 2, frames: 1 },
  ],
  binding: { frames: 1, readings: 1, copies: 0, suppressed: 0, withheld: 0, other: 0, computed: 0 },
  uplink: { inFlight: 0, connections: 1, disconnects: [], windowBytes: 65_536, roundTripMs: undefined },
  time: { kind: 'known', by: 'system', wall: 1_700_000_000_000, uncertainty: 20 },
  certificateDaysLeft: null,
  process: { residentBytes: 1, cpuSeconds: 0 },
  now: 11_500,
  startedAt: 10_000,
};

/** A reporter whose counters are set, and whose messages are kept, by the test. */
function bench(afterQuiet = 150) {
  let frames = 0;
  let held = 0;
  const sent: HealthMessage[] = [];
  let answer: (delivered: boolean) => void = () => {};
  const reporter = new HealthReporter({
    interval: 60_000,
    afterQuiet,
    compose: () =>
      composeHealth({
        ...sources,
        journal: { ...sources.journal, held },
        binding: { ...sources.binding, frames, readings: frames },
      }),
    publish: (message) => {
      sent.push(message);
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  });
  return {
    reporter,
    sent,
    answer: (delivered: boolean) => answer(delivered),
    count: (newFrames: number, newHeld: number) => {
      frames = newFrames;
      held = newHeld;
      reporter.changed();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < limit, 'waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('composes what the contract asks for', () => {
  const message = composeHealth({
    ...sources,
    uplink: {
      ...sources.uplink,
      disconnects: Array.from({ length: 7 }, (_, i) => ({
        at: 11_000 - i * 2000,
        reason: `${i}${'x'.repeat(500)}`,
      })),
      roundTripMs: 3.5,
    },
    process: processFigures(),
  });
  assert.equal(healthMessage.parse(message), message);
  assert.is(message.uptimeSeconds, 1.5);
  assert.equal(
    message.uplink.disconnects.map(({ secondsAgo, reason }) => [secondsAgo, reason.slice(0, 2)]),
    [
      [1, '0x'],
      [3, '1x'],
      [5, '2x'],
      [7, '3x'],
      [9, '4x'],
    ],
  );
  assert.ok(message.process.residentBytes > 1_000_000);
});

test('says when nobody vouches for the time', () => {
  const { wall } = sources.time;
  const { clock } = composeHealth({ ...sources, time: { kind: 'at-least', wall } });
  assert.equal(clock, { trust: 'nobody', uncertaintyMs: null });
});

test('time that passes, memory and round trips are no news', () => {
  const later = composeHealth({
    ...sources,
    now: 99_000,
    process: { residentBytes: 2, cpuSeconds: 9 },
    uplink: { ...sources.uplink, windowBytes: 1, roundTripMs: 9 },
    time: { ...sources.time, uncertainty: 99 } as HealthSources['time'],
  });
  assert.is(countersOf(later), countersOf(composeHealth(sources)));
  const dropped = composeHealth({ ...sources, journal: { ...sources.journal, dropped: 1 } });
  assert.is.not(countersOf(dropped), countersOf(later));
});

test('says nothing for being quiet where that is off', async () => {
  const { reporter, sent, count } = bench(0);
  count(1, 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.is(sent.length, 0);
  reporter.stop();
});

test('says the counts at its interval', async () => {
  let sent = 0;
  const reporter = new HealthReporter({
    interval: 20,
    afterQuiet: 0,
    compose: () => composeHealth(sources),
    publish: async () => {
      sent++;
      return true;
    },
  });
  reporter.start();
  await until(() => sent >= 3);
  reporter.stop();
});

test('says the counts once things are quiet, and not again until they change', async () => {
  const { reporter, sent, answer, count } = bench();
  count(1, 1);
  count(2, 0);
  await until(() => sent.length === 1);
  assert.is(sent[0]?.frames, 2);
  answer(true);
  await Promise.resolve();
  count(2, 0);
  count(3, 0);
  await until(() => sent.length === 2);
  assert.is(sent[1]?.frames, 3);
  reporter.stop();
});

test('waits while entries are unacknowledged', async () => {
  const { reporter, sent, count } = bench();
  count(1, 1);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.is(sent.length, 0);
  count(1, 0);
  await until(() => sent.length === 1);
  reporter.stop();
});

test('says what was counted while the message before was still unanswered', async () => {
  const { reporter, sent, answer, count } = bench();
  count(1, 0);
  await until(() => sent.length === 1);
  count(2, 0);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.is(sent.length, 1);
  answer(true);
  await until(() => sent.length === 2);
  assert.is(sent[1]?.frames, 2);
  reporter.stop();
});

test('says the last word behind a message that is still unanswered', async () => {
  const { reporter, sent, answer, count } = bench();
  count(1, 0);
  await until(() => sent.length === 1);
  count(2, 0);
  const finished = reporter.finish();
  answer(true);
  await until(() => sent.length === 2);
  assert.is(sent[1]?.frames, 2);
  answer(true);
  await finished;
});

test('does not repeat itself while the cloud cannot be reached', async () => {
  const { reporter, sent, answer, count } = bench();
  count(1, 0);
  await until(() => sent.length === 1);
  answer(false);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.is(sent.length, 1);
  reporter.stop();
});

test.run();
