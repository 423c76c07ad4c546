import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyPicker, hearing, type Picker, picture, pressed } from './picker.ts';
import { bestOfEach, type HeardTag, qualityPercent, signalText } from './signal.ts';

const test = suite('picking sensors from those that are heard');

const heard = (tag: string, more: Partial<HeardTag> = {}): HeardTag => ({
  tag,
  ...{
    port: '/dev/ttyUSB0',
    base: 1,
    frames: 4,
    rssi: -50,
    cv: 100,
    value: '5.9',
    lowBattery: false,
    secondsAgo: 0.2,
  },
  ...more,
});
const keys = (picker: Picker, ...names: string[]) =>
  names.reduce((now, name) => pressed(now, { name }), picker);

test('rows come in the order of their tags, and what is picked and pointed at stays when more are heard', () => {
  const first = keys(hearing(emptyPicker, [heard('25E0')]), 'space');
  const more = hearing(first, [heard('25E0'), heard('1000')]);
  assert.equal(
    [more.heard.map(({ tag }) => tag), more.at, [...more.picked]],
    [['1000', '25E0'], '25E0', ['25E0']],
  );
});

test('arrows move and stop at the ends, space picks and unpicks, a picks all and none', () => {
  const three = hearing(
    emptyPicker,
    ['A001', 'A002', 'A003'].map((tag) => heard(tag)),
  );
  assert.is(keys(three, 'up').at, 'A001');
  assert.is(keys(three, 'down', 'down', 'down').at, 'A003');
  assert.equal([...keys(three, 'space', 'down', 'space').picked], ['A001', 'A002']);
  assert.equal([...keys(three, 'space', 'space').picked], []);
  assert.is(keys(three, 'a').picked.size, 3);
  assert.is(keys(three, 'a', 'a').picked.size, 0);
});

test('a tag that is not heard any more can still be unpicked by nobody, and the pointer moves on', () => {
  const picked = keys(hearing(emptyPicker, [heard('A001'), heard('A002')]), 'space');
  assert.is(hearing(picked, [heard('A002')]).at, 'A002');
});

test('enter ends, and Ctrl-C and escape cancel', () => {
  assert.is(keys(emptyPicker, 'return').state, 'done');
  assert.is(keys(emptyPicker, 'escape').state, 'cancelled');
  assert.is(pressed(emptyPicker, { name: 'c', ctrl: true }).state, 'cancelled');
  assert.is(pressed(emptyPicker, { name: 'c' }).state, 'picking');
  assert.is(keys(emptyPicker, 'space', 'down').state, 'picking');
});

test('the picture says what is heard, how well, and what is wrong with it, and is no wider than the terminal', () => {
  const picker = keys(hearing(emptyPicker, [heard('A001'), heard('A002', { lowBattery: true })]), 'space');
  const lines = picture(picker, 200);
  assert.match(lines[1] ?? '', /^> \[x\] A001 +5\.9 +very good, \d+ % \(-50 dBm, CV 100\) +ok +now +4/);
  assert.match(lines[2] ?? '', / {2}\[ \] A002 .* LOW /);
  for (const line of picture(picker, 60).slice(0, -1)) assert.ok(line.length <= 60, line);
  assert.match(picture(emptyPicker, 80)[0] ?? '', 'nothing is heard yet');
});

test('of more sensors than the terminal has rows, those around the pointer are shown', () => {
  const all = Array.from({ length: 40 }, (_, index) => heard(`A0${String(index).padStart(2, '0')}`));
  const picker = { ...hearing(emptyPicker, all), at: 'A020' };
  const lines = picture(picker, 200, 10);
  assert.is(lines.length, 9);
  assert.ok(lines.some((line) => line.startsWith('> [ ] A020')));
  assert.match(picture({ ...picker, at: 'A039' }, 200, 10)[7] ?? '', '> [ ] A039');
  assert.match(picture({ ...picker, at: 'A000' }, 200, 10)[1] ?? '', '> [ ] A000');
});

test('it says that there are more where the gateway tells of as many as one message names', () => {
  const all = Array.from({ length: 256 }, (_, index) => heard(`A${String(index).padStart(3, '0')}`));
  assert.match(picture(hearing(emptyPicker, all), 200, 10).at(-1) ?? '', 'there are more');
  assert.not.match(picture(hearing(emptyPicker, all.slice(1)), 200, 10).at(-1) ?? '', 'there are more');
});

test('a signal is words and numbers; one that nobody measured is not known', () => {
  assert.match(signalText({ rssi: -45, cv: 110 }), /^very good, \d+ %/);
  assert.match(signalText({ rssi: -100, cv: 50 }), /^unusable, 0 %/);
  assert.is(signalText({ rssi: null, cv: null }), 'not known');
  assert.is(signalText({ rssi: -70, cv: null }), '-70 dBm');
  assert.is(qualityPercent({ rssi: null, cv: 3 }), null);
});

test('a sensor that several base stations hear is one row, the one with the best signal', () => {
  const [best, ...rest] = bestOfEach([
    heard('A001', { base: 1, rssi: -90, cv: 60 }),
    heard('A001', { base: 2 }),
    heard('A001', { base: 3, rssi: -85, cv: 60 }),
  ]);
  assert.equal([best?.base, rest], [2, []]);
});

test.run();
