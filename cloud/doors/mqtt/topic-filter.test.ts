import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applicationFilter, covers, filterLevels } from './topic-filter.ts';

/** MQTT 3.1.1, section 4.7, once more and in another way: a filter as a regular expression over topics. */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const body = filter
    .map((level, index) => {
      if (level === '#') return index === 0 ? '.*' : '(?:/.*)?';
      return `${index === 0 ? '' : '/'}${level === '+' ? '[^/]*' : level}`;
    })
    .join('');
  return new RegExp(`^${body}$`).test(topic.join('/'));
}

/** Every topic of up to five levels; `x` is in no filter below. */
const topics: string[][] = [];
for (let layer: string[][] = [[]], depth = 0; depth < 5; depth++) {
  layer = layer.flatMap((topic) => ['a', 'b', 'x'].map((level) => [...topic, level]));
  topics.push(...layer);
}

const level = fc.constantFrom('a', 'b', '+');
const filter = fc
  .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
  .map(([levels, deep]) => (deep || levels.length === 0 ? [...levels, '#'] : levels))
  .map((levels) => filterLevels(levels.join('/')) as readonly string[]);

test('a filter covers another exactly where it matches every topic that the other matches', () => {
  fc.assert(
    fc.property(filter, filter, (wider, narrower) => {
      const all = topics.every((topic) => !matches(narrower, topic) || matches(wider, topic));
      assert.is(covers(wider, narrower), all, `${wider.join('/')} over ${narrower.join('/')}`);
    }),
    { numRuns: 2000 },
  );
});

test('a topic is covered exactly where it matches', () => {
  fc.assert(
    fc.property(filter, fc.constantFrom(...topics), (wider, topic) => {
      assert.is(covers(wider, topic), matches(wider, topic), `${wider.join('/')} over ${topic.join('/')}`);
    }),
    { numRuns: 2000 },
  );
});

test('what is covered stays covered by what covers that', () => {
  fc.assert(
    fc.property(filter, filter, filter, (one, two, three) => {
      if (covers(one, two) && covers(two, three)) assert.ok(covers(one, three));
    }),
    { numRuns: 2000 },
  );
});

test('what is no filter is none', () => {
  for (const text of [
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'a#',
    '#/a',
    'a/#/b',
    'a+/b',
    '$SYS',
    'a/$share',
    'a b',
    'é',
  ]) {
    assert.is(filterLevels(text), undefined, text);
  }
});

test('an application subscribes in its own organisation only, and to what there can be', () => {
  const good = [
    '#',
    '+/#',
    'devices/#',
    'devices/+/#',
    'devices/+/readings',
    'devices/mast/events',
    'devices/+/+',
    'notice',
    '+',
    '+/+/readings',
    'devices/mast/readings/#',
  ];
  for (const filter of good) assert.ok(applicationFilter('first', `v1/org/first/${filter}`), filter);
  const bad = [
    '#',
    '+/org/first/#',
    'v1/+/first/#',
    'v1/org/+/#',
    'v1/org/#',
    'v1/org/first',
    'v1/org/second/#',
    'v1/org/first2/#',
    'v1/org/firs/#',
    'v1/gw/mast/telemetry',
    '$SYS/#',
    '$share/group/v1/org/first/#',
    'v1/org/first/devices',
    'v1/org/first/devices/mast',
    'v1/org/first/devices/mast/health',
    'v1/org/first/devices/mast/readings/x',
    'v1/org/first/notice/x',
    'v1/org/first/',
    'v1/org/first//#',
    'V1/org/first/#',
    'v1/org/first/../second/#',
  ];
  for (const topic of bad) assert.is(applicationFilter('first', topic), undefined, topic);
});

test.run();
