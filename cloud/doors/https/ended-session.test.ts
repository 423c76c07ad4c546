import { request } from 'node:https';
import { sessionCookie } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('cookies of sessions that are none');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** Asks who one is by the cookie of a session; the status of the answer. */
function ask({ https, authorityPem: ca }: Doors, token: string): Promise<number | undefined> {
  const headers = { cookie: `${sessionCookie}=${token}` };
  return new Promise((resolve, reject) => {
    const options = { port: https.port, path: '/api/v1/session', ca, agent: false, headers };
    const sent = request(options, (answer) => resolve(answer.resume().statusCode));
    sent.on('error', reject).end();
  });
}

test('are counted in the audit log of the fleet by where they come from, and not quoted', async ({
  doors,
}) => {
  const { authentications, store } = doors;
  const { entries: before } = await store.read('audit', { organisation: null, limit: 1000 });
  const token = 'made-up-needle'.padEnd(43, 'x');
  for (let times = 0; times < 5; times++) assert.is(await ask(doors, token), 401);
  await authentications.flush();
  const { entries } = await store.read('audit', { organisation: null, limit: 1000 });
  const told = entries.slice(0, entries.length - before.length);
  assert.equal(
    told.map(({ action, channel, outcome, code, after }) => ({ action, channel, outcome, code, after })),
    [4, 1].map((attempts) => ({
      ...{ action: 'session.use', channel: 'https', outcome: 'refused', code: 'unknown' },
      after: { attempts },
    })),
  );
  assert.match(JSON.stringify(told[0]?.personal), /127\.0\.0\.1|::1/);
  assert.not.match(JSON.stringify(entries), /needle/);
});

test.run();
