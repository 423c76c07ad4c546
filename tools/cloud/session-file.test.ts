import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from './outcome.ts';
import { readSession, sessionPath, writeSession } from './session-file.ts';

const test = suite('the session that is kept');

let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-session-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const session = {
  url: 'https://localhost:8443',
  authority: null,
  email: 'a@example.org',
  cookies: { s: '1' },
};

async function refusal(path: string): Promise<string> {
  try {
    await readSession(path);
  } catch (error) {
    assert.instance(error, CalledWrongly);
    return (error as Error).message;
  }
  throw new Error('it was read');
}

test('stands where the XDG specification has it', () => {
  assert.is(sessionPath({ XDG_CONFIG_HOME: '/c', HOME: '/h' }), '/c/loadline/session.json');
  assert.is(sessionPath({ HOME: '/h' }), '/h/.config/loadline/session.json');
  assert.is(sessionPath({ XDG_CONFIG_HOME: '', HOME: '/h' }), '/h/.config/loadline/session.json');
});

test('is its owner’s alone, file and folder, and comes back as it was', async () => {
  const path = sessionPath({ XDG_CONFIG_HOME: folder });
  assert.is(await readSession(path), undefined);
  await writeSession(path, session);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(statSync(join(folder, 'loadline')).mode & 0o777, 0o700);
  assert.equal(await readSession(path), session);
});

test('is not used where others could have read it, or where it is something else', async () => {
  const path = join(folder, 'session.json');
  await writeSession(path, session);
  chmodSync(path, 0o640);
  assert.match(await refusal(path), /chmod 600/);
  for (const text of ['', '{}', JSON.stringify({ version: 1, ...session, url: 'http://localhost' })]) {
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    assert.match(await refusal(path), /remove it, and log in again/, text);
  }
});

test.run();
