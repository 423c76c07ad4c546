import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Judged, judge, type Look } from './judge.ts';

const test = suite('judge');

const patience = { period: 5000, wedged: 60_000, gather: 0 };
const port = {
  name: 'radio',
  open: true,
  bytes: 160,
  frameBytes: 160,
  discardedBytes: 0,
  heldBytes: 0,
  frames: 10,
};
const still: Look = {
  at: 0,
  ports: [port],
  frames: 10,
  made: 10,
  journal: { numbered: 10, held: 0, disk: 'good' },
  acknowledged: 10,
  link: { kind: 'up', connections: 1 },
};

/** Judges a look every period (or `step`) for `seconds`; `change` makes the n-th look. */
function watch(seconds: number, change: (n: number) => Partial<Look>, step = 5000, with_ = patience) {
  let judged: Judged | undefined;
  const verdicts = [];
  for (let n = 0; n * step <= seconds * 1000; n++) {
    judged = judge(judged, { ...still, at: n * step, ...change(n) }, with_);
    verdicts.push(judged.verdict);
  }
  return { verdicts, last: verdicts.at(-1) };
}
const whyIdle = (change: (n: number) => Partial<Look>) => {
  const { verdicts, last } = watch(3600, change);
  assert.not(verdicts.some(({ kind }) => kind === 'wedged'));
  return last?.kind === 'idle' ? last.why : last?.kind;
};
const whatIsWedged = (change: (n: number) => Partial<Look>, seconds = 60) => {
  const { verdicts, last } = watch(seconds, change);
  assert.not(verdicts.slice(0, -1).some(({ kind }) => kind === 'wedged'));
  return last?.kind === 'wedged' ? last.what : last?.kind;
};

test('frames alone, or acknowledgements alone, are progress', () => {
  assert.is(
    whyIdle((n) => ({ frames: 10 + n, ports: [{ ...port, frames: 10 + n }] })),
    'progressing',
  );
  assert.is(
    whyIdle((n) => ({ acknowledged: 10 + n, journal: { ...still.journal, held: 100 } })),
    'progressing',
  );
});

test('the first look says nothing of what has not had time to be', () => {
  const { verdict } = judge(undefined, { ...still, link: { kind: 'unborn' } }, patience);
  assert.equal(verdict, { kind: 'idle', why: 'it has only just started' });
});

test('a silent radio with nothing held is idle for ever', () => {
  assert.is(
    whyIdle(() => ({})),
    'the radio is silent, nothing is held',
  );
  assert.is(
    whyIdle(() => ({ ports: [{ ...port, open: false }] })),
    'no port is open, nothing is held',
  );
});

test('noise is judged byte by byte and is not wedged', () => {
  assert.is(
    whyIdle((n) => ({ ports: [{ ...port, bytes: 160 + 9 * n, discardedBytes: 9 * n, heldBytes: 5 }] })),
    'the radio brings bytes and no frames, nothing is held',
  );
});

test('a frame whose end never comes is not wedged, however long it is waited for', () => {
  assert.is(
    whyIdle((n) => ({ ports: [{ ...port, bytes: 160 + n, heldBytes: n }] })),
    'the radio brings bytes and no frames, nothing is held',
  );
});

test('a link that is down and tried again is idle, whatever is held', () => {
  assert.match(
    String(
      whyIdle((n) => ({
        journal: { ...still.journal, held: 5000 },
        link: { kind: 'down', attempts: Math.floor(n / 12), reason: 'ECONNREFUSED' },
      })),
    ),
    'the link is down (ECONNREFUSED)',
  );
});

test('a cloud that takes links and acknowledges nothing is not for the gateway to mend', () => {
  assert.match(
    String(
      whyIdle((n) => ({
        journal: { ...still.journal, held: 10 },
        link: { kind: 'up', connections: 1 + Math.floor(n / 3) },
      })),
    ),
    'entries are on their way',
  );
});

test('no certificate yet, and a full disk, are idle', () => {
  assert.is(
    whyIdle(() => ({
      link: { kind: 'unborn' },
      journal: { numbered: 10, held: 10, disk: 'full' },
    })),
    'the radio is silent, there is no certificate yet, the disk is full',
  );
});

test('entries held on a link that stands, and none acknowledged, are wedged', () => {
  assert.match(
    String(whatIsWedged(() => ({ journal: { ...still.journal, held: 7 } }))),
    'uplink: the link stands, 7 entries are held',
  );
});

test('what goes on being heard does not hide that nothing is acknowledged', () => {
  assert.match(
    String(
      whatIsWedged((n) => ({
        frames: 10 + n,
        ports: [{ ...port, frames: 10 + n }],
        journal: { ...still.journal, held: 1 + n },
      })),
    ),
    /^uplink: /,
  );
});

test('readings that are to gather are waited for as long as the configuration says', () => {
  const gathering = { ...patience, gather: 600_000 };
  const held = { journal: { ...still.journal, held: 7 } };
  assert.is(watch(655, () => held, 5000, gathering).last?.kind, 'idle');
  assert.is(watch(660, () => held, 5000, gathering).last?.kind, 'wedged');
});

test('bytes that are read and not judged are wedged, on one port of several too', () => {
  assert.match(
    String(
      whatIsWedged((n) => ({
        frames: 20 + n,
        ports: [
          { ...port, name: 'one', frames: 10 + n, frameBytes: 160 + 16 * n },
          { ...port, name: 'two', bytes: 10_000 + n, heldBytes: 9840 + n },
        ],
      })),
    ),
    'port two: bytes of port "two" are read and not judged',
  );
});

test('frames that are not bound, and readings that are not numbered, are wedged', () => {
  assert.match(String(whatIsWedged((n) => ({ ports: [{ ...port, frames: 11 + n }] }))), /^binding: /);
  assert.match(String(whatIsWedged((n) => ({ made: 11 + n }))), /^journal: /);
});

test('a link that is down and not tried for five minutes is wedged', () => {
  assert.match(
    String(whatIsWedged(() => ({ link: { kind: 'down', attempts: 3, reason: 'x' } }), 300)),
    'link: the link is down and nothing tries to make one',
  );
});

test('an event loop that is late at every look is wedged; one that was late for a while is not', () => {
  assert.match(String(watch(120, () => ({}), 11_000).last?.kind), 'wedged');
  let judged: Judged | undefined;
  let at = 0;
  for (const step of [5000, 11_000, 11_000, 11_000, 5000, 11_000, 11_000, 5000, 5000]) {
    at += step;
    judged = judge(judged, { ...still, at }, patience);
    assert.is(judged.verdict.kind, 'idle');
  }
});

test('a machine that stood still for an hour is not wedged when it goes on', () => {
  const held = { ...still, journal: { ...still.journal, held: 1 } };
  const before = judge(judge(undefined, held, patience), { ...held, at: 5000 }, patience);
  assert.is(judge(before, { ...held, at: 3_605_000 }, patience).verdict.kind, 'idle');
});

test('a stage that moves again is not wedged any more', () => {
  const held = { ...still, journal: { ...still.journal, held: 1 } };
  let judged: Judged | undefined;
  for (let at = 0; at <= 60_000; at += 5000) judged = judge(judged, { ...held, at }, patience);
  assert.is(judged?.verdict.kind, 'wedged');
  assert.is(judge(judged, { ...held, at: 65_000, acknowledged: 11 }, patience).verdict.kind, 'progressing');
});

test.run();
