import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../test-doors.ts';
import { ask, takeIn } from '../test-software.ts';

const dayMilliseconds = 86_400_000;
/** What one of these tests may take. */
const enoughMilliseconds = 180_000;

/** What is counted by days is not parted by midnight: where that is near, the cloud's is over. */
async function withDoors(use: (doors: Doors) => Promise<void>): Promise<void> {
  const doors = await openDoors();
  const left = dayMilliseconds - (Date.now() % dayMilliseconds);
  if (left < enoughMilliseconds) doors.clock.offset = left;
  try {
    await use(doors);
  } finally {
    await doors.close();
  }
}

const deliver = (doors: Doors, token: string, body: string) =>
  ask(doors, { 'x-auth-token': token, 'content-type': 'application/json' }, body);

async function textOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test('what was used is listed by whom, by day and added up, and exported; the records say the same', async () => {
  await withDoors(async (doors) => {
    const { organisation, client } = doors;
    const { token } = await takeIn(doors, 'logger');
    await deliver(doors, token.secret, '{"a":1,"b":2}');
    await deliver(doors, token.secret, '{"a":3}');
    await doors.accounting.flush();
    const { items } = await organisation.listUsage({ query: { by: 'device' } });
    const [row] = items;
    const today = new Date(Date.now() + doors.clock.offset).toISOString().slice(0, 10);
    assert.equal(
      [
        row?.day,
        row?.kind,
        row?.id,
        row?.sessions,
        row?.messagesIn,
        row?.messagesOut,
        row?.readings,
        row?.bytesIn,
      ],
      [today, 'device', 'logger', 1, 2, 2, 3, 20],
    );
    const users = await organisation.listUsage({ query: { by: 'user', per: 'total' } });
    const [ann] = users.items;
    assert.equal([users.items.length, ann?.day], [1, null]);
    assert.ok(ann && ann.messagesIn >= 3 && ann.bytesIn > 100 && ann.bytesOut > 100 && ann.messagesOut >= 3);
    const whole = await organisation.listUsage({ query: { per: 'total' } });
    assert.ok(whole.items[0] && whole.items[0].messagesIn >= 2 + ann.messagesIn);

    const csv = await textOf(await organisation.exportUsage({ query: { by: 'device' } }));
    assert.is(
      csv[0],
      'day,organisation,kind,id,sessions,seconds,messagesIn,messagesOut,readings,bytesIn,bytesOut,limited',
    );
    assert.match(csv[1] ?? '', new RegExp(`^${today},first,device,logger,1,\\d+,2,2,3,20,\\d+,0$`));

    const records = await organisation.listSessionRecords({ query: { kind: 'device', id: 'logger' } });
    assert.equal(
      records.items.map(({ record, source }) => [record, source !== null]),
      [
        ['interim', false],
        ['start', true],
      ],
    );
    assert.is(
      records.items.reduce((sum, { readings }) => sum + readings, 0),
      3,
    );
    const lines = await textOf(await organisation.exportSessionRecords({ query: { kind: 'device' } }));
    assert.is(lines.length, 3);
    assert.match(lines[1] ?? '', /,interim,.*,device,logger,.*,https,,,2,2,3,20,/);

    const fleet = await client.listFleetUsage({ query: { per: 'total' } });
    assert.ok(fleet.items.some(({ organisation: id, readings }) => id === 'first' && readings === 3));
  });
});

test('lists go on page after page, and none is missed or told twice', async () => {
  await withDoors(async ({ organisation, accounting }) => {
    const subject = { kind: 'device', organisation: 'first', credential: null, person: null } as const;
    for (let at = 0; at < 7; at++)
      accounting.begin({ ...subject, id: `device-${at}` }, 'mqtt', '').end('client-closed');
    await accounting.flush();
    const seen: string[] = [];
    for await (const { id } of organisation.each('listUsage', { query: { by: 'device', limit: 3 } }))
      seen.push(id);
    assert.equal(
      seen,
      Array.from({ length: 7 }, (_, at) => `device-${at}`),
    );
    const records: string[] = [];
    const query = { kind: 'device', limit: 4 } as const;
    for await (const { id, record } of organisation.each('listSessionRecords', { query }))
      records.push(id + record);
    assert.equal([records.length, new Set(records).size], [14, 14]);
  });
});

test('an organisation sets what its devices may use, within what the fleet operator lets it have', async () => {
  await withDoors(async (doors) => {
    const { organisation, client } = doors;
    const { token } = await takeIn(doors, 'logger');
    const codeOf = (asked: Promise<unknown>) =>
      asked.then(
        () => undefined,
        (error) => error.code,
      );
    await client.setOrganisationLimits({
      organisation: 'first',
      body: { messagesPerDay: 100, readingsPerDay: 10 },
    });
    const { limits, set } = await organisation.getLimits();
    assert.equal([limits.messagesPerDay, set], [100, { messagesPerDay: 100, readingsPerDay: 10 }]);
    for (const body of [{ messagesPerDay: 101 }, { messagesPerDay: null }, { messagesPerSecond: 1e8 }]) {
      assert.is(await codeOf(organisation.setDeviceLimits({ device: 'logger', body })), 'more-than-own');
    }
    assert.is(await codeOf(organisation.setDeviceLimits({ device: 'theirs', body: {} })), 'not-found');
    const own = await organisation.setDeviceLimits({ device: 'logger', body: { messagesPerDay: 2 } });
    assert.is(own.limits.messagesPerDay, 2);
    assert.is((await deliver(doors, token.secret, '{"a":1}')).status, 200);
    assert.is((await deliver(doors, token.secret, '{"a":1}')).status, 200);
    assert.is((await deliver(doors, token.secret, '{"a":1}')).status, 429);
    const { used } = await organisation.getDeviceLimits({ device: 'logger' });
    assert.equal([used.day.messages, used.month.readings], [2, 2]);
    await organisation.setDeviceLimits({ device: 'logger', body: {} });
    assert.is((await deliver(doors, token.secret, '{"a":1}')).status, 200, 'as usual again');
    assert.is(await codeOf(client.setOrganisationLimits({ organisation: 'nobody', body: {} })), 'not-found');
    const { items } = await organisation.listAudit({ query: { action: 'limits.set' } });
    assert.equal(
      items.map(({ target, before, after }) => [target?.id, before, after]),
      [
        ['logger', { messagesPerDay: 2 }, {}],
        ['logger', {}, { messagesPerDay: 2 }],
      ],
    );
    const above = await organisation.listAudit({ query: { action: 'fleet-limits.set' } });
    assert.is(above.items.length, 1, 'an organisation reads in its own log who limits it');
    const [set1] = await doors.store.read('limitSettings', {});
    assert.ok(set1, 'they are kept');
  });
});

test.run();
