import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limitRows } from './limit-rows.ts';

const test = suite('limits in words');

const nothing = { messages: 0, readings: 0, bytes: 0, connectionMinutes: 0 };

test('a rate is shown where there is one, and a quota always, with what is used of it', () => {
  const rows = limitRows({
    limits: { messagesPerSecond: 20_000, readingsPerSecond: null, readingsPerDay: 5_000, bytesPerMonth: 2e9 },
    used: {
      day: { ...nothing, readings: 1_200 },
      month: { ...nothing, readings: 9_000, bytes: 1_500_000 },
    },
  });
  const row = (wanted: string) => rows.find(({ what }) => what === wanted);
  assert.equal(row('Messages a second'), {
    what: 'Messages a second',
    most: '20\u202f000',
    used: '',
    isReached: false,
  });
  assert.is(row('Readings a second'), undefined);
  assert.is(row('Requests a second, of people and programs'), undefined);
  assert.equal(row('Readings a day'), {
    what: 'Readings a day',
    most: '5\u202f000',
    used: '1\u202f200',
    isReached: false,
  });
  assert.equal(row('Readings a month'), {
    what: 'Readings a month',
    most: 'no limit',
    used: '9\u202f000',
    isReached: false,
  });
  assert.equal([row('Bytes a month')?.most, row('Bytes a month')?.used], ['2.0\u00a0GB', '1.5\u00a0MB']);
});

test('a quota is reached when nothing of it is left, also where it is none at all', () => {
  const used = { day: { ...nothing, messages: 10 }, month: nothing };
  const isReached = (messagesPerDay: number, messagesPerMonth: number) =>
    limitRows({ limits: { messagesPerDay, messagesPerMonth }, used })
      .filter((row) => row.isReached)
      .map(({ what }) => what);
  assert.equal(isReached(11, 1), []);
  assert.equal(isReached(10, 0), ['Messages a day', 'Messages a month']);
});

test.run();
