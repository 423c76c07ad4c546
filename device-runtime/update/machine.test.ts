import { updatingMessage } from '@loadline/sdk/contract';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Act,
  type Circumstances,
  type Happening,
  reportOf,
  type Stage,
  step,
  type Update,
} from './machine.ts';

const test = suite('update');

const ids = [1, 2, 3].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
const [first = '', second = ''] = ids;
const offer = { id: first, release: '0.2.0' };
const installed = { slot: 'b', healthSeconds: 600 } as const;
const open: Circumstances = { gate: { open: true }, now: 0, running: '0.1.0', incapable: undefined };
const shut: Circumstances = { ...open, gate: { open: false, why: 'its window' } };
const nothing: Update = { stage: { kind: 'idle' }, wish: null, ended: [] };

/** Does one thing after the other; each under circumstances of its own, where it says them. */
function after(start: Update, ...events: readonly (Happening | [Happening, Circumstances])[]) {
  let update = start;
  const acts: Act[] = [];
  for (const event of events) {
    const [happening, circumstances] = Array.isArray(event) ? event : [event, open];
    const stepped = step(update, happening, circumstances);
    update = stepped.update;
    acts.push(...stepped.acts);
  }
  const told = acts.flatMap((act) => (act.act === 'tell' ? [act.event.code] : []));
  const done = acts.flatMap(({ act }) => (act === 'tell' ? [] : [act]));
  return { update, stage: update.stage, acts, told, done };
}

const offered: Happening = { kind: 'offered', offer };
const staged: Happening = { kind: 'staged' };
const answered: Happening = { kind: 'installed', id: first, answer: installed };
const trying = (expectsFrames: boolean): Update => ({
  ...nothing,
  stage: {
    kind: 'trying',
    trial: { id: first, release: '0.2.0', until: 600_000, expectsFrames },
    proof: { acknowledged: false, heard: false },
  },
});

test('is fetched, installed and switched to, each once', () => {
  const { stage, done, told } = after(
    nothing,
    offered,
    { kind: 'looked' },
    staged,
    { kind: 'looked' },
    answered,
    answered,
  );
  assert.is(stage.kind, 'switching');
  assert.equal(done, ['fetch', 'switch']);
  assert.equal(told, ['release-installed']);
});

test('waits for its window, goes on within it, and stops fetching at its end', () => {
  const waiting = after(nothing, [offered, shut], [{ kind: 'looked' }, shut]);
  assert.equal(reportOf(waiting.update, 0).progress, { state: 'waiting', detail: 'its window' });
  assert.equal(waiting.done, []);
  const { stage, done } = after(waiting.update, { kind: 'looked' }, [{ kind: 'looked' }, shut]);
  assert.equal([stage.kind, ...done], ['waiting', 'fetch', 'stop-fetching']);
});

test('that lies in a slot is not switched to outside of its window', () => {
  const { update, stage, done } = after(nothing, offered, staged, [answered, shut]);
  assert.equal([stage.kind, ...done], ['installed', 'fetch']);
  assert.equal(reportOf(update, 0).progress, { state: 'waiting', detail: 'it lies in slot b: its window' });
  assert.equal(after(update, { kind: 'looked' }).done, ['switch']);
});

test('is given up where it is withdrawn, and told so', () => {
  const gone: Happening = { kind: 'offered', offer: null };
  const fetching = after(nothing, offered, gone);
  assert.equal(
    [fetching.stage.kind, fetching.done, fetching.told],
    ['idle', ['fetch', 'stop-fetching'], ['release-withdrawn']],
  );
  const installing = after(nothing, offered, staged, gone);
  assert.is(installing.stage.kind, 'installing', 'the installer cannot be stopped');
  assert.equal(
    [after(installing.update, answered).stage.kind, after(installing.update, answered).done],
    ['idle', []],
  );
});

test('gives way to another wish, before a slot and after it', () => {
  const other: Happening = { kind: 'offered', offer: { id: second, release: '0.3.0' } };
  assert.equal(after(nothing, offered, other).done, ['fetch', 'stop-fetching', 'fetch']);
  const { done } = after(nothing, offered, staged, other, answered);
  assert.equal(done, ['fetch', 'fetch']);
});

test('is tried again after a failure that may pass: later, or as soon as there is a link', () => {
  const failed: Happening = { kind: 'failed', code: 'source-failed', detail: 'reset', wait: 5000 };
  const { update } = after(nothing, offered, failed, [{ kind: 'looked' }, { ...open, now: 4999 }]);
  assert.equal(reportOf(update, 0).progress, { state: 'waiting', detail: 'reset' });
  assert.equal(after(update, [{ kind: 'looked' }, { ...open, now: 5000 }]).done, ['fetch']);
  assert.equal(after(update, [{ kind: 'connected' }, { ...open, now: 100 }]).done, ['fetch']);
});

test('that is refused is remembered, and not tried again under its id', () => {
  const failed: Happening = {
    kind: 'failed',
    code: 'metadata-refused',
    detail: 'a signature',
    wait: undefined,
  };
  const { update, done, told } = after(nothing, offered, failed);
  assert.equal([done, told], [['fetch', 'remember'], ['release-refused']]);
  const again = after(update, { kind: 'offered', offer: null }, offered, { kind: 'looked' });
  assert.equal([again.done, again.told], [[], []]);
  const refused = { state: 'refused', code: 'metadata-refused', detail: 'a signature' };
  assert.equal(reportOf(again.update, 0), { offer: first, progress: refused });
  assert.equal(after(update, { kind: 'offered', offer: { ...offer, id: second } }).done, ['fetch']);
});

test('to what runs already is confirmed, and nothing is done', () => {
  const { update, done, told } = after(nothing, [offered, { ...open, running: '0.2.0' }]);
  assert.equal([reportOf(update, 0).progress, done, told], [{ state: 'confirmed' }, [], []]);
});

test('is refused by name where it is impossible, and not remembered', () => {
  const incapable = { code: 'no-launcher', detail: 'nobody could go back' };
  const { update, done } = after(nothing, [offered, { ...open, incapable }]);
  assert.equal(reportOf(update, 0).progress, { state: 'refused', ...incapable });
  assert.equal([done, update.ended], [[], []]);
});

test('on trial is confirmed once by an acknowledgement, and by a frame where the run before heard some', () => {
  const acknowledged: Happening = { kind: 'acknowledged' };
  const heard: Happening = { kind: 'heard' };
  assert.equal(after(trying(false), acknowledged, acknowledged).done, ['confirm']);
  assert.equal(after(trying(true), acknowledged).done, []);
  assert.equal(after(trying(true), heard).done, []);
  assert.equal(after(trying(true), heard, acknowledged, heard).done, ['confirm']);
  const { stage, told } = after(trying(true), acknowledged, heard, { kind: 'confirmed' });
  assert.equal([stage.kind, ...told], ['confirmed', 'release-confirmed']);
});

test('on trial lets other wishes wait until it is confirmed', () => {
  const other: Happening = { kind: 'offered', offer: { id: second, release: '0.3.0' } };
  const { update, done } = after(trying(false), other, { kind: 'looked' });
  assert.equal([update.stage.kind, ...done], ['trying']);
  assert.equal(after(update, { kind: 'acknowledged' }, { kind: 'confirmed' }).done, ['confirm', 'fetch']);
});

test('is switched to once more where the launcher could not be told, and not at once', () => {
  const failed: Happening = { kind: 'switch-failed', detail: 'the disk is full' };
  const { update, done } = after(nothing, offered, staged, answered, failed);
  assert.equal(done, ['fetch', 'switch']);
  const detail = 'it lies in slot b: the disk is full';
  assert.equal(reportOf(update, 0).progress, { state: 'waiting', detail });
  assert.equal(after(update, [{ kind: 'looked' }, { ...open, now: 59_999 }]).done, []);
  assert.equal(after(update, [{ kind: 'looked' }, { ...open, now: 60_000 }]).done, ['switch']);
});

const anyId = fc.constantFrom(...ids);
const anyOffer = fc.record({ id: anyId, release: fc.constantFrom('0.1.0', '0.2.0', '0.3.0') });
const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('offered' as const), offer: fc.option(anyOffer) }),
  fc.constantFrom<Happening[]>(
    { kind: 'looked' },
    { kind: 'connected' },
    { kind: 'staged' },
    { kind: 'staged' },
    { kind: 'progressed', done: 1, total: 2 },
    { kind: 'acknowledged' },
    { kind: 'heard' },
    { kind: 'confirmed' },
    { kind: 'displaced' },
    { kind: 'switch-failed', detail: 'no room' },
  ),
  fc.record({
    kind: fc.constant('failed' as const),
    code: fc.constant('source-failed'),
    detail: fc.constant('reset'),
    wait: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('installed' as const), id: anyId, answer: fc.constant(installed) }),
  fc.record({
    kind: fc.constant('install-refused' as const),
    id: anyId,
    code: fc.constant('file-refused'),
    detail: fc.constant('its digest'),
  }),
);
test('that waits in a slot makes way for another release, and is fetched again when that is over', () => {
  const gate = { open: false, why: 'a release comes over the serial line' } as const;
  const held: Circumstances = { ...open, gate };
  const { update } = after(nothing, offered, staged, [answered, shut]);
  const displaced = after(update, [{ kind: 'displaced' }, held]);
  assert.equal(reportOf(displaced.update, 0).progress, { state: 'waiting', detail: gate.why });
  assert.equal(displaced.done, []);
  assert.equal(after(displaced.update, { kind: 'looked' }).done, ['fetch']);
});

test('that is being put into a slot, switched to or tried makes way for nothing', () => {
  const installing = after(nothing, offered, staged).update;
  const switching = after(installing, answered).update;
  for (const update of [installing, switching, trying(true)]) {
    assert.equal(after(update, [{ kind: 'displaced' }, shut]).stage, update.stage);
  }
});

const anyMoment = fc.record({
  happening: anyHappening,
  passed: fc.nat(20_000),
  gate: fc.constantFrom<Circumstances['gate'][]>(
    { open: true },
    { open: true },
    { open: false, why: 'its window' },
  ),
});

test('whatever happens: one fetch at a time, none outside of the window, a switch only to what was wished and installed', () => {
  const starts = fc.constantFrom(nothing, trying(true), trying(false));
  fc.assert(
    fc.property(starts, fc.array(anyMoment, { maxLength: 60, size: 'max' }), (start, moments) => {
      let update = start;
      let now = 0;
      let fetching: string | undefined;
      for (const { happening, passed, gate } of moments) {
        now += passed;
        const before: Stage = update.stage;
        // What a fetch says can only come while there is one.
        const stepped = step(update, happening, { ...open, gate, now });
        update = stepped.update;
        if (before.kind === 'downloading' && update.stage.kind !== 'downloading') {
          const isOver = happening.kind === 'staged' || happening.kind === 'failed';
          if (isOver) fetching = undefined;
        }
        for (const act of stepped.acts) {
          if (act.act === 'stop-fetching') {
            assert.ok(fetching, 'there is one to stop');
            fetching = undefined;
          }
          if (act.act === 'fetch') {
            assert.is(fetching, undefined, 'there is no other');
            assert.ok(gate.open);
            assert.not.ok(update.ended.some(({ id }) => id === act.offer.id));
            assert.is.not(act.offer.release, open.running);
            assert.is(update.wish?.id, act.offer.id);
            fetching = act.offer.id;
          }
          if (act.act === 'switch') {
            assert.ok(gate.open);
            assert.is(update.wish?.id, act.offer.id);
            assert.ok(before.kind === 'installing' || before.kind === 'installed');
          }
          if (act.act === 'confirm') assert.is(update.stage.kind, 'trying');
        }
        assert.is(update.stage.kind === 'downloading', fetching !== undefined);
        const report = reportOf(update, now);
        const running = { release: '0.1.0', slot: 'a', target: 'linux-x64' };
        updatingMessage.parse({ version: 1, running, ...report });
      }
    }),
    { numRuns: 1000 },
  );
});

test.run();
