import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { jsonLog, type LogFields, Secret } from '@loadline/sdk/platform';
import type { ConnectPacket } from 'aedes';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { takeKeySources } from './at-rest/index.ts';
import { parseEnrolmentCredentials } from './authority/index.ts';
import { claimOf } from './doors/mqtt/claim.ts';
import { readPassword } from './mail/config.ts';

/** What comes in with a secret in it, as each door hands it on: none of it can be printed. */

const secret = randomBytes(32).toString('base64url');
const keyHex = randomBytes(32).toString('hex');
const basic = Buffer.from(`mast:${secret}`).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'loadline-secrets-'));
test.after(() => rmSync(folder, { recursive: true }));

function connect(username: string): ConnectPacket {
  return { cmd: 'connect', clientId: 'program', username, password: Buffer.from(secret) } as ConnectPacket;
}

async function handedOn(): Promise<Record<string, unknown>> {
  const file = join(folder, 'password');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return {
    applicationKey: claimOf(connect(`app_${'A'.repeat(24)}`)),
    deviceKey: claimOf(connect(`dev_${'A'.repeat(24)}`)),
    malformed: claimOf(connect('somebody')),
    enrolment: parseEnrolmentCredentials(`Basic ${basic}`),
    mailPassword: await readPassword(file),
    databaseKey: takeKeySources({ LOADLINE_DATABASE_KEY: keyHex }),
  };
}

test('what the doors hand on is logged at every level, in every place, and holds no secret then', async () => {
  const lines: string[] = [];
  const log = jsonLog((line) => lines.push(line), Date.now);
  const parts = await handedOn();
  for (const [name, value] of Object.entries(parts)) {
    const ways = [
      value,
      { value },
      { value: { value } },
      { text: `${value}` },
      { text: inspect(value, { depth: 9 }) },
    ];
    for (const fields of ways) {
      for (const level of ['info', 'warn', 'error'] as const) log[level](name, fields as LogFields);
    }
    assert.not.match(JSON.stringify(value), secret.slice(0, 12));
  }
  assert.is(lines.length, 6 * 5 * 3);
  const traces = [secret, Buffer.from(secret).toString('hex'), basic, keyHex];
  for (const line of lines) for (const trace of traces) assert.not(line.includes(trace), line);
  assert.ok(lines.some((line) => line.includes('[secret]')));
});

test('it is there for who checks it', async () => {
  const { applicationKey, enrolment, mailPassword, databaseKey } = (await handedOn()) as Record<
    string,
    { secret?: Secret; environment?: Secret } & Secret
  >;
  const found = [applicationKey?.secret, enrolment?.secret, mailPassword, databaseKey?.environment];
  assert.equal(
    found.map((one) => one instanceof Secret && one.reveal()),
    [secret, secret, secret, keyHex],
  );
});

test.run();
