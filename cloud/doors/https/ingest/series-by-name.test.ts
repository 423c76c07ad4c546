import { CloudClient } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours } from '../../test-doors.ts';
import { ask, takeIn } from '../../test-software.ts';

const test = suite<{ doors: Doors; logger: Awaited<ReturnType<typeof takeIn>> }>('a series that has a name');

test.before(async (context) => {
  const doors = await openDoors();
  context.doors = doors;
  context.logger = await takeIn(doors, 'logger');
  const { secret } = context.logger.token;
  const body = JSON.stringify({
    temp: { value: 21.5, unit: 'Cel' },
    'hall/2:temp.mean': 7,
    '0001': { value: 9, timestamp: '2026-11-22T10:00:00Z' },
  });
  await ask(doors, { 'x-auth-token': secret, 'content-type': 'application/json' }, body);
});
test.after(({ doors }) => doors.close());

test('is listed by it, with its unit', async ({ doors }) => {
  const { items } = await doors.organisation.listSeries();
  assert.equal(
    items.map(({ device, tag, name, unit, count }) => [device, tag, name, unit, count]),
    [
      ['logger', '0000', 'temp', 'Cel', 1],
      ['logger', '0001', 'hall/2:temp.mean', null, 1],
      ['logger', '0002', '0001', null, 1],
    ],
  );
});

test('is asked for by it, or by its number, which wins where a name looks like one', async ({ doors }) => {
  const { organisation } = doors;
  const called = async (series: string) => (await organisation.getSeries({ device: 'logger', series })).name;
  assert.is(await called('temp'), 'temp');
  assert.is(await called('0000'), 'temp');
  assert.is(await called('hall/2:temp.mean'), 'hall/2:temp.mean');
  assert.is(await called('0001'), 'hall/2:temp.mean');
  assert.is(await called('0002'), '0001');
  const query = { from: '2026-11-01T00:00:00Z', to: new Date(Date.now() + 60_000).toISOString() };
  const { points } = await organisation.getReadings({ device: 'logger', series: 'temp', query });
  assert.is(points.at(-1)?.[1], 21.5);
  for (const series of ['Temp', 'temp.mean', 'none']) {
    await organisation.getSeries({ device: 'logger', series }).then(
      () => assert.unreachable(),
      (error: { code: string }) => assert.is(error.code, 'not-found'),
    );
  }
});

test('is within the reach of who is limited to tags by its number only', async ({ doors }) => {
  const url = `https://localhost:${doors.https.port}`;
  const body = { name: 'reads', scopes: ['series.get', 'readings.get'], tags: ['0001'], days: 1 };
  const { value: token } = await doors.organisation.createToken({ body });
  const program = new CloudClient({ url, authorityPem: doors.authorityPem, token }).organisation('first');
  assert.is((await program.getSeries({ device: 'logger', series: 'hall/2:temp.mean' })).count, 1);
  for (const series of ['temp', '0000', '0002']) {
    await program.getSeries({ device: 'logger', series }).then(
      () => assert.unreachable(),
      (error: { code: string }) => assert.is(error.code, 'not-found'),
    );
  }
});

test('is none of a gateway: its tags would have the same numbers', async ({ doors }) => {
  const body = { kind: 'token', name: 'token' } as const;
  const { secret } = await doors.organisation.createDeviceCredential({ device: ours, body });
  const headers = { 'x-auth-token': secret, 'content-type': 'application/json' };
  const refused = await ask(doors, headers, '{"temp":1}');
  assert.equal([refused.status, refused.body.code], [400, 'readings-of-gateway']);
});

test.run();
