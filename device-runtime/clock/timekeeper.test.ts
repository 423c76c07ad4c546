import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noon, TestWorld } from './test-world.ts';

const test = suite('timekeeper');
const hour = 3_600_000;
const day = 24 * hour;

test('at 1970 with nobody to vouch there is only what was surely past, and it moves on', () => {
  const world = new TestWorld({ own: noon - day, saved: noon - hour }, 0);
  world.keeper.tick();
  const first = world.keeper.time();
  assert.equal(first, { kind: 'at-least', wall: noon - hour });
  world.run(10 * hour);
  const later = world.keeper.time();
  assert.is(later.kind, 'at-least');
  assert.ok(later.wall > noon + 8.9 * hour && later.wall <= world.true, new Date(later.wall).toISOString());
  assert.equal(world.anchors, []);
});

test('a wall clock at 2099 that nobody vouches for is not believed, and raises nothing', async () => {
  const world = new TestWorld({ own: noon - day }, Date.UTC(2099, 0, 1));
  world.keeper.tick();
  world.run(2 * hour);
  assert.ok(world.keeper.time().wall <= world.true);
  await world.keeper.stop();
  assert.equal(world.floorsKept, []);
  assert.equal(world.anchors, []);
});

test("on the system's word there is an anchor at once and then every hour, and none without", () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.run(hour);
  assert.is(world.anchors.length, 0);
  world.synchronise();
  world.run(2000, 2000);
  assert.is(world.anchors.length, 1);
  assert.equal(world.codes, ['clock-stepped', 'clock-trusted']);
  assert.match(world.events[0]?.detail ?? '', /^forward by 20\d{3} d/);
  assert.match(world.events[1]?.detail ?? '', /by the system.*within 1 s/);
  assert.is(world.keeper.time().kind, 'known');
  assert.ok(Math.abs(world.keeper.time().wall - world.true) < 2);
  world.run(3 * hour);
  assert.is(world.anchors.length, 4);
  world.touched = undefined;
  world.run(3 * hour);
  assert.is(world.codes.at(-1), 'clock-untrusted');
  assert.is(world.anchors.length, 4);
  const lost = world.keeper.time();
  assert.is(lost.kind, 'at-least');
  assert.ok(lost.wall <= world.true && lost.wall > world.true - 10_000);
});

test('a step back and one forward are events with by how much, and by hand they change no time', () => {
  const world = new TestWorld({}, noon);
  world.synchronise();
  world.keeper.tick();
  world.events.length = 0;
  world.set(world.wall - 2 * hour);
  world.run(2000, 2000);
  world.set(world.wall + 90_000);
  world.run(2000, 2000);
  assert.equal(
    world.events.map(({ detail }) => detail.split(',')[0]),
    ['back by 2 h 0 min', 'forward by 1 min 30 s'],
  );
  assert.ok(Math.abs(world.keeper.time().wall - world.true) < 2);
  assert.is(world.anchors.length, 1);
});

test('the cloud vouches where the system does not, and the shortest round trip wins', () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.keeper.connected();
  world.answer(10, 900);
  world.answer(5, 15);
  world.answer(700, 10);
  world.answer(10, 400);
  assert.is(world.asked.length, 4);
  const time = world.keeper.time();
  assert.ok(time.kind === 'known' && time.by === 'cloud');
  assert.ok(Math.abs(time.uncertainty - 511) < 2, `${time.uncertainty}`);
  assert.ok(Math.abs(time.wall - world.true) < 10);
  assert.match(world.events.at(-1)?.detail ?? '', 'by the cloud');
});

test('asks again every hour while it is connected, and only then', () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.connectAndAnswer();
  assert.is(world.asked.length, 4);
  world.run(0.9 * hour);
  assert.is(world.asked.length, 4);
  world.run(0.2 * hour);
  assert.is(world.asked.length, 5);
  world.keeper.disconnected();
  world.run(10 * hour);
  assert.is(world.asked.length, 5);
});

test('asks sooner while nobody vouches, and less and less often of a cloud that never answers', () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.keeper.connected();
  world.run(60_000, 2000);
  const soon = world.asked.length;
  assert.ok(soon >= 2 && soon <= 4, `${soon}`);
  world.run(day, 2000);
  assert.ok(world.asked.length > 20 && world.asked.length < 45, `${world.asked.length}`);
});

test('an answer that nobody asked for, or that is none, changes nothing, and of many there is a count', async () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.keeper.connected();
  const [sent = 0] = world.asked;
  const hostile = [
    '',
    'null',
    '[]',
    '{"version":1}',
    `{"version":1,"sent":${sent + 1},"wall":${noon}}`,
    `{"version":1,"sent":${sent},"wall":-1}`,
    `{"version":1,"sent":${sent},"wall":1e15}`,
    `{"version":2,"sent":${sent},"wall":${noon}}`,
    `${'['.repeat(100_000)}`,
  ];
  for (const json of hostile) world.keeper.answered(json);
  assert.is(world.keeper.time().kind, 'at-least');
  assert.is(world.logged.length, 5);
  world.answer();
  const known = world.keeper.time();
  world.pass(1000);
  world.keeper.answered(JSON.stringify({ version: 1, sent, wall: noon + day }));
  assert.is(known.kind, 'known');
  assert.ok(Math.abs(world.keeper.time().wall - world.true) < 100, 'an answer given twice counts once');
  await world.keeper.stop();
  assert.equal(
    world.logged.map((line) => JSON.parse(line).times),
    [...Array(5).fill(undefined), hostile.length + 1 - 5],
  );
});

test('where both vouch the system comes first; where they differ by minutes the cloud is believed', () => {
  const world = new TestWorld({}, noon);
  world.synchronise(800);
  world.keeper.tick();
  world.connectAndAnswer();
  const agreed = world.keeper.time();
  assert.ok(agreed.kind === 'known' && agreed.by === 'system');
  world.pass(30_000);
  world.synchronise(hour);
  world.run(2000, 2000);
  const disputed = world.keeper.time();
  assert.ok(disputed.kind === 'known' && disputed.by === 'cloud');
  assert.ok(Math.abs(disputed.wall - world.true) < 100);
  assert.ok(world.codes.includes('clock-disputed'));
  assert.match(
    world.events.find(({ code }) => code === 'clock-disputed')?.detail ?? '',
    'ahead of the cloud: by 1 h',
  );
  world.run(hour);
  assert.is(world.codes.filter((code) => code === 'clock-disputed').length, 1);
  world.pass(30_000);
  world.synchronise();
  world.run(2000, 2000);
  const settled = world.keeper.time();
  assert.ok(settled.kind === 'known' && settled.by === 'system');
});

test('nobody is believed who says a time a day before what was surely past', () => {
  const world = new TestWorld({ own: noon - 10 * day }, 0);
  world.synchronise(-100 * day);
  world.keeper.tick();
  assert.is(world.keeper.time().kind, 'at-least');
  assert.ok(world.keeper.time().wall >= noon - 10 * day);
  assert.match(world.events.find(({ code }) => code === 'clock-disputed')?.detail ?? '', 'not believed');
  assert.equal(world.anchors, []);
  world.connectAndAnswer(-50 * day);
  assert.is(world.keeper.time().kind, 'at-least');
  world.keeper.connected();
  for (let question = 0; question < 4; question++) world.answer();
  assert.is(world.keeper.time().kind, 'known');
});

test("timesyncd's saved clock gives way to a voucher who says that it was wrong", () => {
  const world = new TestWorld({ saved: noon + 300 * day }, 0);
  world.keeper.tick();
  assert.ok(world.keeper.time().wall >= noon + 300 * day);
  world.synchronise();
  world.run(2000, 2000);
  assert.is(world.keeper.time().kind, 'known');
  world.touched = undefined;
  world.run(2000, 2000);
  assert.is(world.keeper.time().kind, 'at-least');
  assert.ok(world.keeper.time().wall <= world.true);
});

test('the floor is kept hourly and at the stop, on the word of the cloud alone', async () => {
  const world = new TestWorld({ own: noon - day }, noon);
  world.synchronise();
  world.keeper.tick();
  world.run(3 * hour);
  await world.keeper.stop();
  assert.equal(world.floorsKept, []);
  world.connectAndAnswer();
  world.run(1000, 1000);
  world.run(2.5 * hour);
  await world.keeper.stop();
  assert.is(world.floorsKept.length, 4);
  assert.equal(world.floorsKept, world.floorsKept.toSorted());
  assert.ok((world.floorsKept.at(-1) as number) <= world.true);
  assert.ok((world.floorsKept.at(-1) as number) > world.true - 5000);
});

test('a word that grew too vague is no longer one: an anchor of it would be set apart by the cloud', () => {
  const world = new TestWorld({}, noon);
  world.synchronise();
  world.keeper.tick();
  world.run(30 * day, hour);
  const vague = world.keeper.time();
  assert.ok(vague.kind === 'known' && vague.uncertainty > 200_000);
  world.run(10 * day, hour);
  assert.is(world.keeper.time().kind, 'at-least');
  assert.is(world.codes.at(-1), 'clock-untrusted');
});

test('an anchor of a vague voucher is followed by one as soon as somebody knows better', () => {
  const world = new TestWorld({}, 0);
  world.keeper.tick();
  world.keeper.connected();
  world.answer(4000, 4000);
  assert.is(world.anchors.length, 1);
  world.run(12_000, 2000);
  world.synchronise();
  world.run(2000, 2000);
  assert.is(world.anchors.length, 2);
  assert.ok((world.anchors[1]?.uncertainty ?? 0) < 2000);
});

test('late in a long run without the cloud, forged NTP cannot go back to near its start', () => {
  const world = new TestWorld({ own: noon - day }, noon);
  world.keeper.tick();
  world.connectAndAnswer();
  world.run(hour);
  world.keeper.disconnected();
  world.run(100 * day, hour);
  assert.is(world.keeper.time().kind, 'at-least');
  world.synchronise(-90 * day);
  world.run(2000, 2000);
  const time = world.keeper.time();
  assert.is(time.kind, 'at-least');
  assert.ok(time.wall > world.true - hour && time.wall <= world.true, new Date(time.wall).toISOString());
  assert.is(world.codes.at(-1), 'clock-disputed');
  world.synchronise();
  world.run(2000, 2000);
  assert.is(world.keeper.time().kind, 'known');
});

test.run();
