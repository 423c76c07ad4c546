import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askFirst, type Silence, watch } from './watch.ts';

const test = suite('watch');

const keepalive = 10_000;
const quiet: Silence = { heard: 0, sent: 0, unanswered: undefined, asked: undefined };

test('asks after the keepalive, and gives up five seconds later', () => {
  assert.equal(watch(quiet, 5000, keepalive), { kind: 'wait', until: 10_000 });
  assert.equal(watch(quiet, 10_000, keepalive), { kind: 'ask' });
  const asked = { ...quiet, sent: 10_000, asked: 10_000 };
  assert.equal(watch(asked, 10_000, keepalive), { kind: 'wait', until: 15_000 });
  assert.is(watch(asked, 14_999, keepalive).kind, 'wait');
  assert.match(JSON.stringify(watch(asked, 15_000, keepalive)), /lost.*half-open.*15 s/);
});

test('leaves a publish the time a commit may take', () => {
  const busy = { ...quiet, heard: 1000, sent: 1500, unanswered: 1500 };
  assert.is(watch(busy, 11_400, keepalive).kind, 'wait');
  assert.is(watch(busy, 14_499, keepalive).kind === 'lost', false);
  assert.is(watch(busy, 14_500, keepalive).kind, 'lost');
});

test('says something itself once a keepalive, or the cloud would take it for gone', () => {
  // The cloud keeps a commit waiting, and publishes without an answer go on.
  assert.is(watch({ ...quiet, heard: 9000, sent: 2000, unanswered: 2000 }, 12_000, keepalive).kind, 'ask');
  // Only notices and commands come: nothing of ours has gone up.
  assert.is(watch({ ...quiet, heard: 9000, sent: 0 }, 10_000, keepalive).kind, 'ask');
});

test('asks ahead of a publish after a silence, and of no other', () => {
  assert.is(askFirst(quiet, 1999), false);
  assert.is(askFirst(quiet, 2000), true);
  assert.is(askFirst({ ...quiet, unanswered: 1000 }, 5000), false);
  assert.is(askFirst({ ...quiet, asked: 1000 }, 5000), false);
});

/** A link and its cloud, played on a clock of their own. */
interface Play {
  /** When something is published, ascending. */
  readonly publishes: readonly number[];
  /** When the far end is gone; undefined for never. */
  readonly gone: number | undefined;
  /** How long the cloud keeps each publish waiting. */
  readonly commit: number;
  /** There and back. */
  readonly trip: number;
}

/** Plays it as `link.ts` does; returns when the link is given up. */
function play({ publishes, gone = Number.POSITIVE_INFINITY, commit, trip }: Play): number | undefined {
  let state = { heard: 0, sent: 0, asked: undefined as number | undefined };
  const unanswered: number[] = [];
  // What will come from the cloud, in order: it answers one thing after the other.
  const answers: { at: number; publish: boolean }[] = [];
  const answer = (sent: number, hold: number, publish: boolean): void => {
    const at = Math.max(sent + trip + hold, answers.at(-1)?.at ?? 0);
    if (at - trip / 2 < gone && sent + trip / 2 < gone) answers.push({ at, publish });
  };
  const silence = (): Silence => ({ ...state, unanswered: unanswered[0] });
  const ask = (now: number): void => {
    state = { ...state, sent: now, asked: unanswered.length === 0 ? (state.asked ?? now) : state.asked };
    answer(now, 0, false);
  };
  const coming = [...publishes];
  for (let now = 0; now < 120_000; now += 50) {
    while (answers[0] !== undefined && answers[0].at <= now) {
      if (answers.shift()?.publish) unanswered.shift();
      state = { ...state, heard: now, asked: undefined };
    }
    while (coming[0] !== undefined && coming[0] <= now) {
      coming.shift();
      if (askFirst(silence(), now)) ask(now);
      state = { ...state, sent: now };
      unanswered.push(now);
      answer(now, commit, true);
    }
    for (let verdict = watch(silence(), now, keepalive); verdict.kind !== 'wait'; ) {
      if (verdict.kind === 'lost') return now;
      ask(now);
      verdict = watch(silence(), now, keepalive);
    }
  }
  return undefined;
}

const traffic = fc
  .array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 60 })
  .map((times) => times.sort((a, b) => a - b));
const trip = fc.integer({ min: 10, max: 2000 });

test('finds every half-open link within 15 s, whatever was under way', () => {
  const gone = fc.integer({ min: 0, max: 60_000 });
  fc.assert(
    fc.property(traffic, gone, trip, fc.integer({ min: 0, max: 10_000 }), (publishes, dead, time, commit) => {
      const found = play({ publishes, gone: dead, commit, trip: time });
      assert.ok(found !== undefined, 'never found');
      // What was on its way down still arrives after the far end is gone.
      assert.ok(found <= dead + time / 2 + 15_100, `found ${found - dead} ms after`);
    }),
    { numRuns: 500 },
  );
});

test('gives up no link that stands, however long commits take', () => {
  fc.assert(
    fc.property(traffic, trip, fc.integer({ min: 0, max: 11_000 }), (publishes, time, commit) => {
      assert.is(play({ publishes, gone: undefined, commit, trip: time }), undefined);
    }),
    { numRuns: 500 },
  );
});

test.run();
