import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MailConfig } from './index.ts';
import { Mailbox, type MailboxOptions } from './test-mailbox.ts';
import {
  invitationTo,
  makeAuthority,
  makeIdentity,
  makeTestPost,
  secret,
  type TestPost,
} from './test-parts.ts';

const test = suite<{ post: TestPost; boxes: Mailbox[] }>('mail over SMTP');
const authority = await makeAuthority();
const localhost = await makeIdentity(authority, { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] });
const elsewhere = await makeIdentity(authority, { dnsNames: ['mail.example'], ipAddresses: ['127.0.0.2'] });
const login = { user: 'loadline', password: 'päss word' };

test.before.each(async (context) => {
  context.post = await makeTestPost();
  context.boxes = [];
});
test.after.each(async ({ post, boxes }) => {
  await post.end();
  for (const box of boxes) await box.close();
});

interface Parts {
  post: TestPost;
  boxes: Mailbox[];
}

async function begin({ post, boxes }: Parts, server: MailboxOptions, client: Partial<MailConfig>) {
  const box = await Mailbox.open(server);
  boxes.push(box);
  const passwordFile = join(post.folder, 'password');
  await writeFile(passwordFile, `${login.password}\n`, { mode: 0o600 });
  const mailer = await post.open({
    host: 'localhost',
    port: box.port,
    security: 'tls',
    from: 'loadline@example.com',
    authorityPem: authority.certificatePem,
    ...(server.login !== undefined && { login: { user: login.user, passwordFile } }),
    ...client,
  });
  return { box, mailer, passwordFile };
}

for (const security of ['tls', 'starttls'] as const) {
  for (const host of ['localhost', '127.0.0.1']) {
    test(`hands a mail over with ${security} and a password to ${host}`, async (parts) => {
      const { box, mailer } = await begin(
        parts,
        { security, identity: localhost, login },
        { security, host },
      );
      mailer.send(invitationTo('ben@example.com'));
      const mail = await box.mailTo('ben@example.com');
      assert.equal(mail.links, [`https://cloud.example:8443/#set-password=${secret}`]);
      assert.is(mail.from, 'loadline@example.com');
      await parts.post.said('mail-sent');
    });

    test(`gives nothing to a server with ${security} whose certificate is not for ${host}`, async (parts) => {
      const { box, mailer } = await begin(
        parts,
        { security, identity: elsewhere, login },
        { security, host },
      );
      mailer.send(invitationTo('ben@example.com'));
      const line = JSON.parse(await parts.post.said('mail-delayed', 2));
      assert.is(line.reason, 'not-secure');
      assert.equal(box.mails, []);
    });
  }

  test(`gives nothing to a server with ${security} whose certificate no known authority issued`, async (parts) => {
    const { certificatePem } = await makeAuthority();
    const client = { security, authorityPem: certificatePem };
    const { box, mailer } = await begin(parts, { security, identity: localhost }, client);
    mailer.send(invitationTo('ben@example.com'));
    assert.is(JSON.parse(await parts.post.said('mail-delayed', 2)).reason, 'not-secure');
    assert.equal(box.mails, []);
  });
}

test('gives nothing to a server that offers no STARTTLS, as if somebody on the way had taken it out', async (parts) => {
  const { box, mailer } = await begin(parts, { security: 'none' }, { security: 'starttls' });
  mailer.send(invitationTo('ben@example.com'));
  assert.is(JSON.parse(await parts.post.said('mail-delayed', 2)).reason, 'not-secure');
  assert.equal(box.mails, []);
});

test('is not talked out of checking certificates by the environment', async (parts) => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const { box, mailer } = await begin(parts, { security: 'tls', identity: elsewhere }, {});
    mailer.send(invitationTo('ben@example.com'));
    assert.is(JSON.parse(await parts.post.said('mail-delayed')).reason, 'not-secure');
    assert.equal(box.mails, []);
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test('waits for the right password, and takes it from the file without a restart', async (parts) => {
  const server = { security: 'tls', identity: localhost, login } as const;
  const { box, mailer, passwordFile } = await begin(parts, server, {});
  await writeFile(passwordFile, 'wrong-word\n');
  mailer.send(invitationTo('ben@example.com'));
  const line = JSON.parse(await parts.post.said('login-refused', 2));
  assert.is(line.smtp, 535);
  await rm(passwordFile);
  await parts.post.said('"password-file"');
  await writeFile(passwordFile, `${login.password}\n`, { mode: 0o644 });
  await parts.post.said('"password-file"', 2);
  await rm(passwordFile);
  await writeFile(passwordFile, `${login.password}\n`, { mode: 0o600 });
  await box.mailTo('ben@example.com');
  const log = parts.post.lines.join('');
  for (const word of ['wrong-word', login.password, 'ben@', secret]) assert.not(log.includes(word), word);
});

test.run();
