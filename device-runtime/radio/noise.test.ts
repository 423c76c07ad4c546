import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NoiseMeter } from './noise.ts';

const test = suite('noise');
const minute = 60_000;

/** What the meter says over minutes of (good, bad) bytes, a tenth every six seconds. */
function verdicts(minutes: readonly (readonly [good: number, bad: number])[], meter = new NoiseMeter()) {
  const said: (readonly [minute: number, bad: number, all: number])[] = [];
  minutes.forEach(([good, bad], index) => {
    for (let tenth = 0; tenth < 10; tenth++) {
      const at = 5_000_000 * minute + index * minute + tenth * 6000;
      const verdict = meter.add(at, good / 10, bad / 10);
      if (verdict?.kind === 'noisy') said.push([index, verdict.bad, verdict.all]);
    }
  });
  return { said, meter };
}

test('is said once, after the first minute of which most bytes were no frames', () => {
  const { said, meter } = verdicts([
    [100, 900],
    [100, 900],
    [100, 900],
    [0, 1000],
  ]);
  assert.equal(said, [[1, 900, 1000]]);
  assert.ok(meter.isNoisy);
});

test('is not said of a burst among minutes of frames', () => {
  const quiet = [1000, 0] as const;
  assert.equal(verdicts([quiet, quiet, [500, 1500], quiet, quiet, quiet]).said, []);
});

test('is not said of the few bytes of a plug', () => {
  assert.equal(
    verdicts([
      [0, 50],
      [0, 50],
      [0, 50],
      [0, 50],
    ]).said,
    [],
  );
});

test('is over after a minute of frames, and is said again when it comes back', () => {
  const noisy = [0, 1000] as const;
  const quiet = [1000, 0] as const;
  const { said } = verdicts([noisy, quiet, quiet, quiet, quiet, noisy, noisy, noisy, noisy]);
  assert.equal(
    said.map(([at]) => at),
    [1, 7],
  );
});

test('says that it is over once, with the minute that showed it', () => {
  const meter = new NoiseMeter();
  meter.add(0, 0, 500);
  assert.equal(meter.add(minute, 900, 100), { kind: 'noisy', bad: 500, all: 500 });
  assert.equal(meter.add(2 * minute, 1000, 0), { kind: 'clear', bad: 100, all: 1000 });
  assert.is(meter.add(3 * minute, 1000, 0), undefined);
});

test('goes by time and not by number: a silent hour between is no minute of noise', () => {
  const meter = new NoiseMeter();
  assert.is(meter.add(0, 0, 200), undefined);
  assert.is(meter.add(60 * minute, 0, 200), undefined);
  assert.is(meter.add(61 * minute, 0, 200), undefined, '200 bytes are too few');
  assert.equal(meter.add(62 * minute, 0, 200), { kind: 'noisy', bad: 400, all: 400 });
});

test.run();
