import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { deviceCookie, sessionCookie } from '@loadline/sdk/api';
import { CloudClient } from '@loadline/sdk/client';
import { TOTP } from 'otpauth';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readMessage } from '../../mail/test-mailbox.ts';
import { generatePassword } from '../../people/passwords.ts';
import { type Doors, openDoors, until } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('signing in over HTTPS');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

const minute = 60_000;

/** The code of a problem; `done` where there was none. */
async function code(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'done';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const browser = (doors: Doors) =>
  new CloudClient({ url: `https://localhost:${doors.https.port}`, authorityPem: doors.authorityPem });

/** The secret behind the link of the newest mail of a kind to somebody. */
async function mailed(doors: Doors, kind: string, email: string): Promise<string> {
  const outbox = join(dirname(doors.database.file), 'outbox');
  return await until(async () => {
    const files = readdirSync(outbox)
      .filter((file) => file.includes(`-${kind}-`))
      .sort()
      .reverse();
    for (const file of files) {
      const mail = await readMessage(readFileSync(join(outbox, file)));
      const secret = mail.to.includes(email) ? mail.links[0]?.split('=')[1] : undefined;
      if (secret !== undefined) return secret;
    }
    return undefined;
  }, `a mail ${kind} to ${email}`);
}

/** Somebody new, who has chosen a password by the link of the mail. */
async function invited(doors: Doors, email: string, role = 'viewer') {
  const body = { email, name: 'Bo', role, reach: 'organisation' as const };
  const { id } = await doors.organisation.createUser({ body });
  const [secret, password] = [await mailed(doors, 'invitation', email), generatePassword()];
  const client = browser(doors);
  assert.equal((await client.readLink({ body: { secret } })).purpose, 'set');
  await client.setPassword({ body: { secret, password } });
  assert.is(await code(client.setPassword({ body: { secret, password } })), 'link-invalid');
  return { id, email, password, client };
}

const codeOf = (secret: string, now: number) => new TOTP({ secret }).generate({ timestamp: now });

test('somebody invited chooses a password, logs in, sees who he is, and logs out', async ({ doors }) => {
  const { email, password, client } = await invited(doors, 'bo@example.org');
  assert.is(await code(client.getCaller()), 'unauthenticated');
  assert.equal(await client.logIn({ body: { email, password } }), { state: 'open' });
  const caller = await client.getCaller();
  if (caller.kind !== 'user') return assert.unreachable();
  assert.equal([caller.email, caller.secondFactor, caller.fleet], [email, false, []]);
  assert.equal(
    caller.standings.map(({ organisation, role }) => [organisation.id, organisation.name, role]),
    [['first', 'First', 'viewer']],
  );
  await client.logOut();
  assert.is(await code(client.getCaller()), 'unauthenticated');
});

test('logging in again ends the session that the browser had, and a refused attempt does not', async ({
  doors,
}) => {
  const { email, password, client } = await invited(doors, 'again@example.org');
  const other = browser(doors);
  await other.logIn({ body: { email, password } });
  await client.logIn({ body: { email, password } });
  await client.logIn({ body: { email, password: 'wrong-wrong-wrong-1' } }).catch(() => undefined);
  assert.is((await client.listOwnSessions()).items.length, 2);
  await client.logIn({ body: { email, password } });
  assert.is((await client.listOwnSessions()).items.length, 2, 'this one, and that of the other browser');
  assert.is(await code(other.getCaller()), 'done');
});

test('cookies are out of the reach of scripts, other sites and open connections', async ({ doors }) => {
  const { email, password } = await invited(doors, 'cookies@example.org');
  const { statusCode, cookies } = await post(doors, '/api/v1/session', { email, password });
  assert.is(statusCode, 200);
  assert.is(cookies.length, 2);
  for (const cookie of cookies) {
    for (const attribute of ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']) {
      assert.ok(cookie.split('; ').includes(attribute), `${cookie}: ${attribute}`);
    }
    assert.not.match(cookie, 'Domain');
  }
  assert.equal(cookies.map((one) => one.split('=')[0]).sort(), [deviceCookie, sessionCookie].sort());
  const refused = await post(doors, '/api/v1/session', { email, password: 'wrong-wrong-wrong-1' });
  assert.equal([refused.statusCode, refused.cookies], [401, []]);
});

test('known and unknown addresses get the same answer, byte for byte', async ({ doors }) => {
  const { email } = await invited(doors, 'known@example.org');
  const bodies = [];
  for (const one of [email, 'unknown@example.org']) {
    const { statusCode, body } = await post(doors, '/api/v1/session', {
      email: one,
      password: 'wrong-wrong-1',
    });
    const reset = await post(doors, '/api/v1/password-resets', { email: one });
    bodies.push([statusCode, body, reset.statusCode, reset.body]);
  }
  assert.equal(bodies[0], bodies[1]);
  assert.equal([bodies[0]?.[0], bodies[0]?.[2]], [401, 202]);
});

test('a second factor is enabled, asked for, renewed and disabled', async ({ doors }) => {
  const { email, password, client } = await invited(doors, 'factor@example.org');
  await client.logIn({ body: { email, password } });
  assert.is(await code(client.enableSecondFactor({ body: { code: '123456' } })), 'conflict');
  assert.is(
    await code(client.beginSecondFactor({ body: { password: 'wrong-wrong-wrong-1' } })),
    'unauthenticated',
  );
  const { secret, uri } = await client.beginSecondFactor({ body: { password } });
  assert.ok(uri.includes(secret));
  const now = () => Date.now() + doors.clock.offset;
  const { recoveryCodes } = await client.enableSecondFactor({ body: { code: codeOf(secret, now()) } });
  assert.is(recoveryCodes.length, 10);
  assert.is(await code(client.getCaller()), 'done', 'the session goes on under its new token');

  const other = browser(doors);
  assert.equal(await other.logIn({ body: { email, password } }), { state: 'second-factor' });
  const half = await other.getCaller();
  assert.equal(half.kind === 'user' && [half.state, half.standings, half.fleet], ['second-factor', [], []]);
  const closed = [
    code(other.organisation('first').listDevices()),
    code(other.listOwnSessions()),
    code(other.changePassword({ body: { current: password, password: generatePassword() } })),
  ];
  for (const answer of await Promise.all(closed)) assert.is(answer, 'second-factor-required');
  assert.is(await code(other.confirmSecondFactor({ body: { code: 'not one' } })), 'second-factor-refused');
  assert.equal(await other.confirmSecondFactor({ body: { code: recoveryCodes[0] ?? '' } }), {
    state: 'open',
  });
  assert.is(await code(other.confirmSecondFactor({ body: { code: recoveryCodes[1] ?? '' } })), 'conflict');
  doors.clock.offset += minute;
  const renewed = await other.renewRecoveryCodes({ body: { code: codeOf(secret, now()) } });
  doors.clock.offset += minute;
  const words = { password, code: renewed.recoveryCodes[0] ?? '' };
  assert.is(
    await code(other.disableSecondFactor({ body: { ...words, code: recoveryCodes[2] ?? '' } })),
    'second-factor-refused',
  );
  await other.disableSecondFactor({ body: words });
  assert.is(await code(other.disableSecondFactor({ body: words })), 'conflict');
  const again = browser(doors);
  assert.equal(await again.logIn({ body: { email, password } }), { state: 'open' });
});

test('a lost second factor: asked for at login, stopped by the mail; or reset by two administrators', async ({
  doors,
}) => {
  const { id: user, email, password, client } = await invited(doors, 'lost@example.org');
  await client.logIn({ body: { email, password } });
  assert.is(await code(client.requestSecondFactorReset()), 'conflict');
  const { secret } = await client.beginSecondFactor({ body: { password } });
  const now = Date.now() + doors.clock.offset;
  await client.enableSecondFactor({ body: { code: codeOf(secret, now) } });
  const half = browser(doors);
  await half.logIn({ body: { email, password } });
  const { takesEffect } = await half.requestSecondFactorReset();
  assert.ok(Date.parse(takesEffect) - now > 71 * 60 * minute);
  const link = await mailed(doors, 'second-factor-reset-requested', email);
  await browser(doors).keepSecondFactor({ body: { secret: link } });
  assert.is(await code(half.getCaller()), 'unauthenticated');
  assert.is(await code(browser(doors).keepSecondFactor({ body: { secret: link } })), 'link-invalid');
  await client.cancelSecondFactorReset();

  const second = await invited(doors, 'second@example.org', 'administrator');
  await second.client.logIn({ body: { email: second.email, password: second.password } });
  assert.equal(await doors.organisation.resetSecondFactor({ user }), { votes: 1, done: false });
  assert.equal(await second.client.organisation('first').resetSecondFactor({ user }), {
    votes: 2,
    done: true,
  });
  assert.equal(await browser(doors).logIn({ body: { email, password } }), { state: 'open' });
});

test('a person keeps his own account: name, password, sessions, export, erasure', async ({ doors }) => {
  const { email, password, client } = await invited(doors, 'own@example.org');
  await client.logIn({ body: { email, password } });
  await client.patchProfile({ body: { name: 'Bodo' } });
  const other = browser(doors);
  await other.logIn({ body: { email, password } });
  const { items } = await client.listOwnSessions();
  assert.equal([items.length, items.filter(({ current }) => current).length], [2, 1]);
  const session = items.find(({ current }) => !current)?.id ?? '';
  await client.endOwnSession({ session });
  assert.is(await code(client.endOwnSession({ session })), 'not-found');
  assert.is(await code(other.getCaller()), 'unauthenticated');

  await other.logIn({ body: { email, password } });
  const next = generatePassword();
  assert.is(
    await code(client.changePassword({ body: { current: password, password: 'aaaaaaaaaaaaaaa' } })),
    'password-weak',
  );
  assert.is(
    await code(client.changePassword({ body: { current: next, password: next } })),
    'unauthenticated',
  );
  await client.changePassword({ body: { current: password, password: next } });
  assert.is(await code(other.getCaller()), 'unauthenticated');

  await other.logIn({ body: { email, password: next } });
  doors.clock.offset += 1000;
  await client.cutOffSelf();
  assert.is(await code(other.getCaller()), 'unauthenticated');
  const exported = JSON.stringify(await client.exportProfile());
  for (const piece of [email, 'Bodo', 'First']) assert.ok(exported.includes(piece), piece);
  assert.is(await code(client.eraseSelf({ body: { password } })), 'unauthenticated');
  await client.eraseSelf({ body: { password: next } });
  assert.is(await code(client.getCaller()), 'unauthenticated');
  assert.is(await code(client.logIn({ body: { email, password: next } })), 'unauthenticated');
});

test('blocks are listed and ended, by their ids in the path', async ({ doors }) => {
  const { email } = await invited(doors, 'guessed@example.org');
  const stranger = browser(doors);
  for (let attempt = 0; attempt < 40; attempt++) {
    const { guard } = doors.blocks;
    const answer = guard.ask({ subject: { kind: 'account', name: email }, source: `203.0.113.${attempt}` });
    if (answer.go) guard.failed(answer.permit);
  }
  assert.is(
    await code(stranger.logIn({ body: { email, password: 'any password at all' } })),
    'too-many-attempts',
  );
  const { items } = await doors.organisation.listBlocks();
  assert.equal(
    items.map(({ kind, subject, until: end }) => [kind, subject, typeof end]),
    [['account', email, 'string']],
  );
  const block = items[0]?.id ?? '';
  assert.is((await doors.client.listFleetBlocks()).items[0]?.id, block);
  await doors.organisation.deleteBlock({ block });
  assert.is(await code(doors.organisation.deleteBlock({ block })), 'not-found');
  assert.is(await code(doors.client.deleteFleetBlock({ block })), 'not-found');
  assert.is(
    await code(stranger.logIn({ body: { email, password: 'any password at all' } })),
    'unauthenticated',
  );
});

/** A request as any program can send it. */
async function post(doors: Doors, path: string, content: object) {
  return await new Promise<{ statusCode: number; cookies: string[]; body: string }>((resolve, reject) => {
    const { authorityPem: ca } = doors;
    const options = { port: doors.https.port, path, method: 'POST', ca, agent: false } as const;
    const sent = request({ ...options, headers: { 'content-type': 'application/json' } }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('end', () => {
        const { statusCode = 0, headers } = answer;
        resolve({ statusCode, cookies: headers['set-cookie'] ?? [], body });
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(content));
  });
}

test.run();
