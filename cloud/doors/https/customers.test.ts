import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CloudClient } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readMessage } from '../../mail/test-mailbox.ts';
import { generatePassword } from '../../people/passwords.ts';
import { type Doors, neighbour, openDoors, ours, until } from '../test-doors.ts';

const test = suite<{ doors: Doors; moderator: CloudClient; department: string }>('people of a customer');
test.before(async (context) => {
  const doors = await openDoors();
  const { organisation } = doors;
  const { id: department } = await organisation.createDepartment({ body: { name: 'North' } });
  const { id: customer } = await organisation.createCustomer({ body: { name: 'Crane hire' } });
  for (const device of [ours, neighbour]) {
    await organisation.patchDevice({ device, body: { department, customer } });
  }
  const email = 'moderator@example.com';
  const position = { role: 'customer-moderator', reach: 'customer' as const, customer };
  await organisation.createUser({ body: { email, name: 'Mo', ...position } });
  const moderator = new CloudClient({
    url: `https://localhost:${doors.https.port}`,
    authorityPem: doors.authorityPem,
  });
  const [secret, password] = [await invitation(doors), generatePassword()];
  await moderator.setPassword({ body: { secret, password } });
  await moderator.logIn({ body: { email, password } });
  Object.assign(context, { doors, moderator, department });
});
test.after(({ doors }) => doors.close());

/** The secret of the one invitation that was sent. */
async function invitation({ database }: Doors): Promise<string> {
  const outbox = join(dirname(database.file), 'outbox');
  return await until(async () => {
    const file = readdirSync(outbox).find((name) => name.includes('-invitation-'));
    const mail = file === undefined ? undefined : await readMessage(readFileSync(join(outbox, file)));
    return mail?.links[0]?.split('=')[1];
  }, 'an invitation');
}

test('name their devices, and take none out of its department', async ({ moderator, department }) => {
  const own = moderator.organisation('first');
  const renamed = await own.patchDevice({ device: ours, body: { name: 'Gantry' } });
  assert.equal([renamed.name, renamed.department], ['Gantry', department]);
  try {
    await own.patchDevice({ device: ours, body: { department: null } });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'more-than-own');
  }
  assert.is((await own.getDevice({ device: ours })).department, department);
});

test('are not told who of the organisation orders something of their devices', async ({
  doors: { organisation, login },
  moderator,
}) => {
  await organisation.setDesired({ device: neighbour, body: { configuration: {} } });
  const { id: command } = await organisation.createCommand({
    device: neighbour,
    body: { command: { kind: 'report' }, expiresInSeconds: 60 },
  });
  assert.is((await organisation.getDesired({ device: neighbour })).desired?.by, login.email);
  assert.is((await organisation.getCommand({ device: neighbour, command })).by, login.email);
  const own = moderator.organisation('first');
  const seen = [
    (await own.getDesired({ device: neighbour })).desired?.by,
    (await own.getCommand({ device: neighbour, command })).by,
    (await own.listCommands({ device: neighbour })).items[0]?.by,
  ];
  assert.equal(seen, ['the organisation', 'the organisation', 'the organisation']);
});

test.run();
