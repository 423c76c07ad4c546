import type { HealthMessage } from '@loadline/sdk/contract';
import { healthMessage } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { composeHealth, type HealthSources } from './health.ts';
import { HealthReporter } from './reporter.ts';

const test = suite('health');

const sources: HealthSources = {
  journal: { epoch: 'ab'.repeat(16), held: 0, heldBytes: 0, dropped: 0 },
  ports: [
    { name: 'radio', open: true, bytes: 21, frameBytes: 16, discardedBytes: 3, heldBytes: 2, frames: 1 },
  ],
  binding: { frames: 1, readings: 1, copies: 0, suppressed: 0, other: 0 },
  uplink: { inFlight: 0, connections: 1, lastDisconnect: undefined },
  uptimeSeconds: 1.5,
};

/** A reporter whose counters are set, and whose messages are kept, by the test. */
function bench() {
  let frames = 0;
  let held = 0;
  const sent: HealthMessage[] = [];
  let answer: (delivered: boolean) => void = () => {};
  const reporter = new HealthReporter({
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
  const limit = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < limit, 'waited 5 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('composes what the contract asks for', () => {
  const message = composeHealth({ ...sources, uplink: { ...sources.uplink, lastDisconnect: 'reset' } });
  assert.equal(healthMessage.parse(message), message);
  assert.is(message.lastDisconnect, 'reset');
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
