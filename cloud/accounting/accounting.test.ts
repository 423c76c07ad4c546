// @long
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RecordRow } from '../store/index.ts';
import { dayOf, step } from '../store/index.ts';
import { day, device, minute, noon, person, withAccounts } from './test-parts.ts';

const short = ({
  kind,
  from,
  to,
  messagesIn,
  readings,
  bytesIn,
  messagesOut,
  bytesOut,
  cause,
}: RecordRow) => [
  kind,
  from - noon,
  to - noon,
  [messagesIn, readings, bytesIn, messagesOut, bytesOut],
  cause,
];

test('a link has a start, interims with what came since, and a stop that says why', async () => {
  await withAccounts(async ({ open, clock, records, usage }) => {
    const accounting = await open();
    const link = accounting.begin(device, 'mqtt', '203.0.113.7');
    link.received(100);
    link.readings(7);
    clock.now += 5 * minute;
    accounting.tick();
    link.received(50);
    link.sent(20);
    clock.now += minute;
    link.end('lost-carrier');
    link.end('client-closed');
    await accounting.close();
    const kept = await records();
    assert.equal(kept.map(short), [
      ['start', 0, 0, [0, 0, 0, 0, 0], null],
      ['interim', 0, 5 * minute, [1, 7, 100, 0, 0], null],
      ['stop', 5 * minute, 6 * minute, [1, 0, 50, 1, 20], 'lost-carrier'],
    ]);
    assert.is(new Set(kept.map(({ session }) => session)).size, 1);
    assert.equal(
      kept.map(({ source }) => source),
      ['203.0.113.7', null, null],
    );
    const [row] = await usage();
    const { sessions, milliseconds, messagesIn, readings, bytesIn, bytesOut } = row ?? {};
    assert.equal(
      [sessions, milliseconds, messagesIn, readings, bytesIn, bytesOut],
      [1, 6 * minute, 2, 7, 150, 20],
    );
  });
});

test('no interval goes over a midnight, and each day has what was counted in it', async () => {
  await withAccounts(async ({ open, clock, records, usage }) => {
    const accounting = await open();
    const link = accounting.begin(device, 'mqtt', '');
    link.received(1);
    clock.now += day / 2;
    accounting.tick();
    link.received(1);
    link.received(1);
    // The process stood still for two days and a half.
    clock.now += 2.5 * day;
    link.end('client-closed');
    await accounting.close();
    for (const { from, to } of await records()) assert.ok(dayOf(from) === dayOf(Math.max(from, to - 1)));
    const rows = (await usage()).map((row) => [row.day - dayOf(noon), row.messagesIn, row.milliseconds]);
    assert.equal(rows, [
      [3, 0, day / 2],
      [2, 0, day],
      [1, 2, day],
      [0, 1, day / 2],
    ]);
  });
});

test('after a crash sessions are closed where they were last known, and no more than an interval is lost', async () => {
  await withAccounts(async ({ open, clock, records, store }) => {
    const isKnownAlive = async () => (await store.read('openAccounts', {})).alive === clock.now;
    const crashed = await open();
    const busy = crashed.begin(device, 'mqtt', '');
    crashed.begin({ ...device, id: 'crane' }, 'mqtt', '');
    busy.received(10);
    for (let passed = 0; passed < 12; passed++) {
      clock.now += minute;
      crashed.tick();
      while (!(await isKnownAlive())) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    busy.received(10);
    // Nothing is closed: the process is gone. It comes back an hour later.
    clock.now += 60 * minute;
    const accounting = await open();
    await accounting.close();
    const kept = await records();
    const stops = kept.filter(({ kind }) => kind === 'stop');
    assert.equal(
      stops.map(({ cause, subject, to }) => [cause, subject, to - noon]),
      [
        ['cloud-lost', 'mast', 12 * minute],
        ['cloud-lost', 'crane', 12 * minute],
      ],
      'up to when the cloud last said that it was at work',
    );
    const ofBusy = kept.filter(({ subject }) => subject === 'mast');
    assert.is(
      ofBusy.reduce((sum, { messagesIn }) => sum + messagesIn, 0),
      1,
      'what came after the last interim is lost',
    );
    assert.is(
      ofBusy.reduce((sum, { from, to }) => sum + to - from, 0),
      12 * minute,
    );
    // And they are closed once.
    await (await open()).close();
    assert.is((await records()).length, kept.length);
  });
});

test('who has no connection is one session until nothing comes for a while, and its time ends with its last request', async () => {
  await withAccounts(async ({ open, store, clock, records, usage }) => {
    const accounting = await open();
    for (const at of [0, 4, 9]) {
      clock.now = noon + at * minute;
      const account = accounting.visit(person, 'https', '198.51.100.2');
      account.received(0);
      account.carried(10, 1000);
      accounting.tick();
    }
    clock.now += 10 * minute;
    accounting.tick();
    accounting.visit(person, 'https', '198.51.100.2').received(0);
    // Nothing proves it any more, and somebody's rights have changed: that is when it is looked at.
    await store.change({ steps: [step('cutOffPerson', { person: 'ann', at: 0 })], audit: [] });
    accounting.tick();
    for (const end = Date.now() + 5000; accounting.open > 0 && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await accounting.close();
    const stops = (await records()).filter(({ kind }) => kind === 'stop');
    assert.equal(
      stops.map(({ cause, to }) => [cause, to - noon]),
      [
        ['idle', 9 * minute],
        ['session-ended', 19 * minute],
      ],
    );
    const [row] = await usage('user');
    assert.equal(
      [row?.sessions, row?.messagesIn, row?.bytesOut, row?.milliseconds],
      [2, 4, 3000, 9 * minute],
    );
  });
});

test('a stream that lasts is counted while it lasts', async () => {
  await withAccounts(async ({ open, clock, usage }) => {
    const accounting = await open();
    const account = accounting.visit(person, 'https', '');
    let sent = 0;
    const leave = account.watch(() => {
      account.carried(0, sent);
      sent = 0;
    });
    for (let passed = 0; passed < 30; passed++) {
      sent += 100;
      clock.now += minute;
      accounting.tick();
    }
    await accounting.flush();
    assert.is((await usage('user'))[0]?.bytesOut, 3000);
    assert.is(accounting.open, 1, 'it is not idle');
    leave();
    await accounting.close();
  });
});

test('what is used of the day and of the month outlives a restart, and ends with them', async () => {
  await withAccounts(async ({ open, clock }) => {
    clock.now = noon - 2 * day;
    const before = await open();
    before.begin(device, 'mqtt', '').received(1000);
    await before.close();
    clock.now = noon;
    const used = (spending: { ofDay(what: 'bytes'): number; ofMonth(what: 'bytes'): number }) => [
      spending.ofDay('bytes'),
      spending.ofMonth('bytes'),
    ];
    const first = await open();
    const link = first.begin(device, 'mqtt', '');
    link.received(10);
    assert.equal(used(first.spending('device', 'mast')), [10, 1010]);
    await first.close();
    const second = await open();
    assert.equal(used(second.spending('device', 'mast')), [10, 1010]);
    assert.equal(used(second.spending('organisation', 'first')), [10, 1010]);
    clock.now += day;
    second.tick();
    assert.equal(used(second.spending('organisation', 'first')), [0, 1010]);
    clock.now += 14 * day;
    second.tick();
    assert.equal(used(second.spending('organisation', 'first')), [0, 0]);
    second.visit(person, 'https', '').received(5);
    assert.equal(used(second.spending('organisation', 'first')), [0, 0], 'looking uses up nothing');
    await second.close();
  });
});

test('a clock that is set back over midnight gives no quota back', async () => {
  await withAccounts(async ({ open, clock }) => {
    const accounting = await open();
    const link = accounting.begin(device, 'mqtt', '');
    const used = () => {
      accounting.tick();
      const spending = accounting.spending('device', 'mast');
      return [spending.ofDay('bytes'), spending.ofMonth('bytes')];
    };
    link.received(10);
    clock.now -= day;
    assert.equal(used(), [10, 10]);
    link.received(5);
    clock.now += day;
    assert.equal(used(), [15, 15]);
    clock.now += day;
    assert.equal(used(), [0, 15]);
    await accounting.close();
  });
});

test('the sums are what the records come to, whatever happens', async () => {
  const act = fc.oneof(
    { arbitrary: fc.record({ do: fc.constant('begin'), n: fc.nat(3) }), weight: 2 },
    { arbitrary: fc.record({ do: fc.constant('receive'), n: fc.nat(5000) }), weight: 5 },
    { arbitrary: fc.record({ do: fc.constant('end'), n: fc.nat(9) }), weight: 1 },
    {
      arbitrary: fc.record({ do: fc.constant('pass'), n: fc.integer({ min: -3 * minute, max: day / 3 }) }),
      weight: 4,
    },
    { arbitrary: fc.record({ do: fc.constant('crash'), n: fc.constant(0) }), weight: 1 },
  );
  await withAccounts(async ({ open, clock, store, records }) => {
    const property = fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      let accounting = await open();
      let links = [accounting.begin(device, 'mqtt', '')];
      for (const { do: what, n } of acts) {
        const link = links[n % Math.max(1, links.length)];
        if (what === 'begin') links.push(accounting.begin({ ...device, id: `device-${n}` }, 'mqtt', ''));
        else if (what === 'receive') link?.received(n);
        else if (what === 'end') link?.end('client-closed');
        else if (what === 'crash') {
          await accounting.flush();
          accounting = await open();
          links = [];
        } else {
          clock.now += n;
          accounting.tick();
        }
      }
      await accounting.close();
      const { records: summed, usage } = await store.read('accountingCheck', { after: 0 });
      const key = (row: object) => JSON.stringify(row, Object.keys(row).sort());
      assert.equal(summed.map(key).sort(), usage.map(key).sort());
      for (const { from, to } of await records()) {
        assert.ok(from <= to && dayOf(from) === dayOf(Math.max(from, to - 1)));
      }
    });
    await fc.assert(property, { numRuns: 6 });
  });
});

test('what could not be written is written the next time, once', async () => {
  await withAccounts(async ({ open, store, clock, records, lines }) => {
    const accounting = await open();
    const done = store.done.bind(store);
    Object.assign(store, { done: () => Promise.reject(new Error('the disk is full')) });
    accounting.begin(device, 'mqtt', '').received(1);
    await accounting.flush();
    assert.ok(lines.includes('accounting-not-written'));
    Object.assign(store, { done });
    clock.now += minute;
    await accounting.close();
    assert.equal(
      (await records()).map(({ kind, messagesIn }) => [kind, messagesIn]),
      [
        ['start', 0],
        ['interim', 1],
        ['stop', 0],
      ],
    );
  });
});

test('where a person came from goes with the person, and the account stays', async () => {
  await withAccounts(async ({ open, store, records }) => {
    const accounting = await open();
    accounting.visit(person, 'https', '198.51.100.2').received(0);
    await accounting.flush();
    assert.is((await records())[0]?.source, '198.51.100.2');
    await store.change({ steps: [step('removePerson', { person: 'ann' })], audit: [] });
    const [start] = await records();
    assert.equal([start?.source, start?.subject], [null, 'ann']);
    // Nor does it come back with a session that goes on.
    accounting.begin({ ...person, credential: 'session-2' }, 'https', '198.51.100.2');
    await accounting.close();
    assert.equal(
      (await records()).filter(({ source }) => source !== null),
      [],
    );
  });
});

test('ten thousand sessions cost a bounded memory each', async () => {
  await withAccounts(async ({ open, clock }) => {
    const accounting = await open();
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const links = Array.from({ length: 10_000 }, (_, at) =>
      accounting.begin({ ...device, id: `device-${at}` }, 'mqtt', '203.0.113.7'),
    );
    await accounting.flush();
    for (let passed = 0; passed < 1; passed++) {
      for (const link of links) link.received(100);
      clock.now += 5 * minute;
      accounting.tick();
      await accounting.flush();
    }
    globalThis.gc?.();
    const each = (process.memoryUsage().heapUsed - before) / links.length;
    assert.ok(each < 8 * 1024, `${Math.round(each)} bytes a session`);
    await accounting.close();
  });
});

test.run();
