// @long
// The shipped cloud in a process of its own, and the commands against it as somebody calls them.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudProcess } from '@loadline/hil-tests/system';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('loadline at a cloud');

let folder: string;
let cloud: CloudProcess;

const file = (name: string) => join(folder, name);

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with nothing to ask at; `who` has a configuration folder of his own. */
async function loadline(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  who = 'operator',
): Promise<Outcome> {
  const program = join(import.meta.dirname, '../main.ts');
  const options = { env: { ...process.env, XDG_CONFIG_HOME: file(who), ...env }, timeout: 20_000 };
  return await new Promise((resolve) => {
    const words = [...process.execArgv, program, ...args];
    const child = execFile(process.execPath, words, options, (_, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** Runs a command that must succeed; what it printed. */
async function done(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await loadline(args);
  assert.is(status, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The same with --json; its lines. */
async function told(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const lines = (await done(...args, '--json')).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

async function logIn(who: string, email: string, password: string) {
  writeFileSync(file(`${who}.password`), `${password}\n`, { mode: 0o600 });
  writeFileSync(file('authority.pem'), cloud.authorityPem);
  const flags = ['--url', cloud.url, '--authority', file('authority.pem'), '--email', email];
  return await loadline(['login', ...flags, '--password-file', file(`${who}.password`)], {}, who);
}

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-cli-'));
  cloud = await CloudProcess.start({ state: join(folder, 'state') });
  const { status, stderr } = await logIn('operator', cloud.login.email, cloud.login.password);
  assert.is(status, 0, stderr);
});

test.after(async () => {
  await cloud.service.stop();
  rmSync(folder, { recursive: true });
});

test('a login keeps the session where only its owner can read it, and nobody else’s password', async () => {
  const path = file('operator/loadline/session.json');
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.not.match(readFileSync(path, 'utf8'), cloud.login.password);
  const [me] = await told('whoami');
  assert.equal([me?.kind, me?.email], ['user', cloud.login.email]);
  assert.match(await done('whoami'), /first +First organisation +administrator/);
});

test('a wrong password is refused, and leaves the session that there is', async () => {
  const { status, stderr } = await logIn('operator', cloud.login.email, 'not the password');
  assert.equal([status, stderr.includes('unauthenticated')], [3, true]);
  assert.is((await told('whoami')).length, 1);
});

test('a device is taken in with a secret that is shown once, and can be changed and listed', async () => {
  assert.is((await loadline(['device', 'list'])).stderr, 'there are none\n');
  const { stdout, stderr } = await loadline(['device', 'create', 'mast-7', '--name', 'Mast 7']);
  assert.match(stdout, /^\S{20,}\n$/);
  assert.match(stderr, /mast-7.*shown this once/s);
  await done('department', 'create', 'North');
  await done('device', 'set', 'mast-7', '--department', 'North');
  const [device] = await told('device', 'list');
  assert.equal([device?.id, device?.name, device?.connected], ['mast-7', 'Mast 7', false]);
  assert.equal(await told('device', 'list', '--department', 'North'), [device]);
  assert.equal(await told('device', 'list', '--department', 'none'), []);
  const [secret] = await told('device', 'enrol', 'mast-7');
  assert.match(String(secret?.enrolmentSecret), /^\S{20,}$/);
  assert.match(await done('device', 'list'), /^id +name .*\nmast-7 +Mast 7 +gateway +yes +no /);
  assert.match(await done('device', 'ledger', 'mast-7'), /readings +0 +0 +0 +0/);
});

test('what cannot be done says why: at the cloud, on the command line, or on the way', async () => {
  const refused = await loadline(['device', 'create', 'mast-7']);
  assert.equal([refused.status, refused.stdout, refused.stderr.includes('(conflict)')], [1, '', true]);
  const absent = await loadline(['device', 'show', 'nobody']);
  assert.equal([absent.status, absent.stderr.includes('(not-found)')], [1, true]);
  const wrong = await loadline(['device', 'set', 'mast-7', '--department', 'South']);
  assert.equal([wrong.status, wrong.stderr.includes('there is no department South')], [2, true]);
  const nowhere = await loadline(['device', 'list'], {
    LOADLINE_URL: 'https://localhost:1',
    LOADLINE_TOKEN: 'x',
  });
  assert.equal([nowhere.status, nowhere.stderr.includes('cannot be reached')], [3, true]);
  const stranger = await loadline(['device', 'list'], {}, 'stranger');
  assert.equal([stranger.status, stranger.stderr.includes('loadline login')], [3, true]);
});

test('a program calls by a token, as far as that goes, and no further once it is revoked', async () => {
  const token = (await done('token', 'create', 'nightly', '--scopes', 'devices.get', '--days', '7')).trim();
  const program = {
    LOADLINE_URL: cloud.url,
    LOADLINE_TOKEN: token,
    LOADLINE_AUTHORITY: file('authority.pem'),
  };
  const asProgram = async (...args: string[]) => await loadline(args, program, 'program');
  assert.match((await asProgram('device', 'list', '--json')).stdout, '"mast-7"');
  assert.match((await asProgram('whoami')).stdout, 'nightly');
  assert.is((await asProgram('device', 'create', 'mast-8')).status, 1);
  await done('token', 'deactivate', 'nightly');
  assert.is((await asProgram('device', 'list')).status, 3);
  await done('token', 'activate', 'nightly');
  assert.is((await asProgram('device', 'list')).status, 0);
  await done('token', 'revoke', 'nightly');
  assert.is((await asProgram('device', 'list')).status, 3);
  assert.not.match(await done('token', 'list', '--json'), token);
});

test('people are invited, found by their address, changed and removed', async () => {
  const membership = ['--role', 'technician', '--reach', 'departments', '--departments', 'North'];
  await done('user', 'invite', 'anna@example.org', '--name', 'Anna', ...membership);
  const [anna] = await told('user', 'show', 'anna@example.org');
  assert.equal([anna?.role, anna?.hasPassword], ['technician', false]);
  await done('user', 'set', 'anna@example.org', '--role', 'viewer');
  assert.match(await done('user', 'list'), /anna@example\.org +Anna +viewer/);
  await done('user', 'remove', 'anna@example.org');
  assert.is((await told('user', 'list')).length, 1);
});

test('the audit log has all of that; its export verifies by itself, and not once a byte is another', async () => {
  const entries = await told('audit', 'list');
  assert.ok(entries.some(({ action }) => action === 'devices.create'));
  assert.is((await told('audit', 'list', '--limit', '2')).length, 2);
  assert.is((await told('audit', 'check'))[0]?.broken, null);
  await done('audit', 'export', '--out', file('audit.ndjson'));
  const [verdict] = await told('audit', 'verify', file('audit.ndjson'));
  assert.equal([verdict?.organisation, verdict?.whole], ['first', true]);
  const text = readFileSync(file('audit.ndjson'), 'utf8');
  assert.is((await done('audit', 'export')).split('\n').length >= text.split('\n').length, true);
  writeFileSync(file('altered.ndjson'), text.replace('"devices.create"', '"devices.delete"'));
  const altered = await loadline(['audit', 'verify', file('altered.ndjson')]);
  assert.equal([altered.status, altered.stderr.includes('NOT WHOLE')], [1, true]);
});

test('after a logout the session opens nothing, here or copied', async () => {
  const path = file('operator/loadline/session.json');
  const copy = readFileSync(path, 'utf8');
  await done('logout');
  assert.is((await loadline(['whoami'])).status, 3);
  writeFileSync(path, copy, { mode: 0o600 });
  const { status, stderr } = await loadline(['whoami']);
  assert.equal([status, stderr.includes('unauthenticated')], [3, true]);
});

test.run();
