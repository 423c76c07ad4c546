import { type EventCode, events } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Standing } from './standing.ts';

const test = suite('standing events');

const day = 86_400_000;
const note = (standing: Standing, code: EventCode, subject = '', at = 0) =>
  standing.note({ code, subject, detail: 'x' }, at);
const codes = (standing: Standing, now = 0) =>
  standing.list(now).map(({ code, subject }) => `${code} ${subject}`);

test('an event stands until another takes it back, for its own subject alone', () => {
  const standing = new Standing();
  note(standing, 'sensor-stale', '0001');
  note(standing, 'sensor-stale', '0002');
  note(standing, 'sensor-returned', '0001');
  assert.equal(codes(standing), ['sensor-stale 0002']);
  assert.equal(codes(standing, 30 * day), ['sensor-stale 0002']);
});

test('what came again is told once, with how often and when last', () => {
  const standing = new Standing();
  note(standing, 'port-lost', 'radio', 1000);
  note(standing, 'port-lost', 'radio', 61_000);
  const [event] = standing.list(71_000);
  assert.equal([event?.times, event?.secondsAgo], [2, 10]);
});

test('another configuration ends what stood of sensors, and of ports where they are opened anew', () => {
  const standing = new Standing();
  for (const code of ['sensor-overload', 'tag-twice', 'port-lost', 'disk-full'] as const)
    note(standing, code);
  standing.configured('same-ports');
  assert.equal(codes(standing), ['port-lost ', 'disk-full ']);
  standing.configured('other-ports');
  assert.equal(codes(standing), ['disk-full ']);
});

test('what nothing takes back is over after a day', () => {
  const standing = new Standing();
  note(standing, 'gateway-wedged');
  assert.equal(codes(standing, day), ['gateway-wedged ']);
  assert.equal(codes(standing, day + 1), []);
});

test('changes that want nobody are not kept, and a port that opens is well', () => {
  const standing = new Standing();
  for (const code of ['port-lost', 'port-unavailable', 'port-wrong-device'] as const) {
    note(standing, code, 'radio');
  }
  note(standing, 'port-open', 'radio');
  note(standing, 'command-done', '1');
  assert.equal(codes(standing), []);
});

test('every info event that ends something is known here to end it', () => {
  const standing = new Standing();
  for (const code of Object.keys(events) as EventCode[]) note(standing, code);
  for (const code of Object.keys(events) as EventCode[])
    if (events[code].severity === 'info') note(standing, code);
  // What stays, nothing of the contract takes back.
  assert.equal(
    codes(standing)
      .map((code) => code.trim())
      .sort(),
    [
      'clock-stepped',
      'cloud-restored',
      'command-failed',
      'command-refused',
      'gateway-wedged',
      'journal-cut',
      'sensor-battery-low',
      'tag-twice',
    ],
  );
});

test('a flood of subjects does not make it grow', () => {
  const standing = new Standing();
  for (let i = 0; i < 10_000; i++) note(standing, 'tag-twice', String(i));
  const list = standing.list(0);
  assert.equal([list.length, list.at(-1)?.subject], [512, '9999']);
});

test.run();
