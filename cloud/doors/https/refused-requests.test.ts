import { CloudClient } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('refused requests in the log');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** The lines that one refused request left. */
async function linesOf(doors: Doors, asking: () => Promise<unknown>): Promise<object[]> {
  const before = doors.lines.length;
  await asking().then(
    () => assert.unreachable(),
    () => undefined,
  );
  return doors.lines.slice(before).filter(({ event }) => event === 'request-refused');
}

test('say who asked for what is not his, by route and id, from where', async ({ doors }) => {
  const { client } = doors;
  const caller = await client.getCaller();
  const by = caller.kind === 'user' ? `user ${caller.id}` : assert.unreachable();
  const foreign = await linesOf(doors, () => client.organisation('second').listDevices());
  const line = {
    ...{ event: 'request-refused', method: 'GET', code: 'not-found', by },
    ...{ route: '/api/v1/organisations/:organisation/devices', from: (foreign[0] as { from: string }).from },
  };
  assert.equal(foreign, [line]);
  assert.match(line.from, /127\.0\.0\.1|::1/);
});

test('say that a token has not the scope, and quote nothing that was sent', async ({ doors }) => {
  const { organisation, https, authorityPem } = doors;
  const made = await organisation.createToken({ body: { name: 'reads', scopes: ['devices.get'], days: 1 } });
  const url = `https://localhost:${https.port}`;
  const program = new CloudClient({ url, authorityPem, token: made.value }).organisation('first');
  const [forbidden] = await linesOf(doors, () => program.createDevice({ body: { id: 'needle-7' } }));
  const { code, by } = forbidden as { code: string; by: string };
  assert.equal([code, by], ['forbidden', `token ${made.id}`]);
  const [invalid] = await linesOf(doors, () => organisation.createDevice({ body: { id: 'NEEDLE 8\nx' } }));
  assert.is((invalid as { code: string }).code, 'request-invalid');
  assert.not.match(JSON.stringify([forbidden, invalid]), /needle/i);
});

test('are silent where nobody is there to be named and nothing is amiss', async ({ doors }) => {
  const { https, authorityPem } = doors;
  const nobody = new CloudClient({ url: `https://localhost:${https.port}`, authorityPem });
  assert.equal(await linesOf(doors, () => nobody.getCaller()), []);
});

test.run();
