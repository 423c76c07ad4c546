import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadMailConfig } from './index.ts';
import { makeAuthority, makeIdentity } from './test-parts.ts';

const test = suite<{ folder: string }>('mail configuration');

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'loadline-mail-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true }));

const lines = (...more: string[]) =>
  ['host = "mail.example.com"', 'security = "tls"', 'from = "loadline@example.com"', ...more].join('\n');

async function problemsIn(folder: string, text: string): Promise<string[]> {
  const file = join(folder, 'mail.toml');
  await writeFile(file, text);
  try {
    await loadMailConfig(file);
  } catch (error) {
    assert.is((error as Error).name, 'ConfigError');
    return (error as Error).message.replaceAll(`${folder}/`, '').split('\n');
  }
  return [];
}

test('takes a server with a login and an authority of its own, files named from its own folder', async ({
  folder,
}) => {
  const { certificatePem } = await makeAuthority();
  await writeFile(join(folder, 'authority.pem'), certificatePem);
  await writeFile(join(folder, 'password'), 'a word\n', { mode: 0o600 });
  const file = join(folder, 'mail.toml');
  const login = ['user = "loadline"', 'password_file = "password"', 'authority = "authority.pem"'];
  await writeFile(file, lines('reply_to = "help@example.com"', ...login));
  assert.equal(await loadMailConfig(file), {
    host: 'mail.example.com',
    port: 465,
    security: 'tls',
    from: 'loadline@example.com',
    login: { user: 'loadline', passwordFile: join(folder, 'password') },
    replyTo: 'help@example.com',
    authorityPem: certificatePem,
  });
});

test('takes the port that belongs to the security', async ({ folder }) => {
  const file = join(folder, 'mail.toml');
  await writeFile(file, lines().replace('"tls"', '"starttls"'));
  assert.is((await loadMailConfig(file)).port, 587);
  await writeFile(file, lines('port = 2525'));
  assert.is((await loadMailConfig(file)).port, 2525);
});

test('names every wrong key, its line and what is allowed', async ({ folder }) => {
  const text = lines('port = 0', 'pasword_file = "x"', 'reply_to = "a@example.com, b@example.com"')
    .replace('"mail.example.com"', '"smtps://mail.example.com"')
    .replace('"tls"', '"ssl"');
  assert.equal(await problemsIn(folder, text), [
    'mail.toml:1: host must be a host name or an address, in quotes, without a scheme or a port',
    'mail.toml:2: security must be "tls", "starttls" or "none"',
    'mail.toml:4: port must be a whole number from 1 to 65535',
    'mail.toml:5: pasword_file is not a key of the configuration',
    'mail.toml:6: reply_to must be one mail address, in quotes, such as "loadline@example.com"',
  ]);
  assert.match((await problemsIn(folder, 'host = ')).join(), /^mail.toml:1: not valid TOML: /);
});

test('sends nothing in clear but to this machine itself', async ({ folder }) => {
  const open = (host: string) =>
    problemsIn(folder, lines().replace('mail.example.com', host).replace('"tls"', '"none"'));
  assert.equal(await open('127.0.0.1'), []);
  assert.equal(await open('127.1.2.3'), []);
  assert.equal(await open('::1'), []);
  for (const host of [
    'mail.example.com',
    'localhost',
    '10.0.0.1',
    '0.0.0.0',
    '::ffff:10.0.0.1',
    '127.0.0.1.evil.example',
  ]) {
    const said = [
      'mail.toml:2: security may be "none" only for a host of 127.0.0.1 or ::1: use "tls" or "starttls"',
    ];
    assert.equal(await open(host), said, host);
  }
});

test('refuses a password that others may read, is empty, or is not there, and one without a user', async ({
  folder,
}) => {
  const password = join(folder, 'password');
  const text = lines('user = "loadline"', 'password_file = "password"');
  assert.equal(await problemsIn(folder, text), [
    'mail.toml:5: password_file names password, which cannot be read (ENOENT)',
  ]);
  await writeFile(password, 'a word\n');
  await chmod(password, 0o640);
  assert.equal(await problemsIn(folder, text), [
    'mail.toml:5: password_file names password, which others may read: run chmod 600 on it',
  ]);
  await chmod(password, 0o600);
  assert.equal(await problemsIn(folder, text), []);
  await writeFile(password, '\n');
  assert.equal(await problemsIn(folder, text), [
    'mail.toml:5: password_file names password, whose first line is empty: put the password there',
  ]);
  assert.equal(await problemsIn(folder, lines('password_file = "password"')), [
    'mail.toml:4: password_file needs user, whose password it holds',
  ]);
  assert.equal(await problemsIn(folder, lines('user = "loadline"')), [
    'mail.toml:4: user needs password_file, the file with its password',
  ]);
});

test('refuses an authority that is none', async ({ folder }) => {
  const text = lines('authority = "authority.pem"');
  const { cert } = await makeIdentity(await makeAuthority(), { dnsNames: ['mail.example.com'] });
  await writeFile(join(folder, 'authority.pem'), cert);
  assert.match((await problemsIn(folder, text)).join(), /^mail.toml:4: authority names .*not an authority's/);
  await writeFile(join(folder, 'authority.pem'), 'nothing');
  assert.match(
    (await problemsIn(folder, text)).join(),
    /^mail.toml:4: authority names .*no certificate in PEM/,
  );
});

test.run();
