import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MailConfig } from './index.ts';
import { type Answer, Mailbox, type MailboxOptions } from './test-mailbox.ts';
import { invitationTo, makeTestPost, secret, type TestPost, until } from './test-parts.ts';

interface Parts {
  post: TestPost;
  ends: (() => Promise<unknown>)[];
}

const test = suite<Parts>('the queue of mails');

test.before.each(async (context) => {
  context.post = await makeTestPost();
  context.ends = [];
});
test.after.each(async ({ post, ends }) => {
  await post.end();
  for (const end of ends) await end();
});

async function mailbox({ ends }: Parts, options?: MailboxOptions): Promise<Mailbox> {
  const box = await Mailbox.open(options);
  ends.push(() => box.close());
  return box;
}

const at = (port: number): MailConfig => ({
  host: '127.0.0.1',
  port,
  security: 'none',
  from: 'loadline@example.com',
});

/** No line of the log says whom a mail is for, or what is in it. */
function nothingPersonalIn(post: TestPost): void {
  const log = post.lines.join('');
  for (const word of ['example.com', secret, 'Acme', 'account for']) assert.not(log.includes(word), word);
}

test('tries again when the server says not now, and sends the same message', async (parts) => {
  const says: Answer[] = [
    { code: 451, text: '4.7.1 <ben@example.com> is greylisted' },
    { code: 452, text: '4.3.1 full' },
  ];
  const box = await mailbox(parts, { answer: () => says.shift() });
  (await parts.post.open(at(box.port))).send(invitationTo('ben@example.com'));
  const mail = await box.mailTo('ben@example.com');
  assert.is(JSON.parse(await parts.post.said('mail-sent')).attempts, 3);
  assert.is(box.mails.length, 1);
  assert.is(mail.headers.filter(({ key }) => key === 'message-id').length, 1);
  assert.equal(readdirSync(join(parts.post.folder, 'mail-queue')), []);
  nothingPersonalIn(parts.post);
});

test('a mail that must wait does not hold up the next one', async (parts) => {
  const box = await mailbox(parts, {
    answer: (_, recipient) => (recipient.startsWith('ben') ? { code: 451, text: 'not now' } : undefined),
  });
  const mailer = await parts.post.open(at(box.port), { first: 60_000, longest: 60_000 });
  mailer.send(invitationTo('ben@example.com'));
  await parts.post.said('refused-for-now');
  mailer.send(invitationTo('cara@example.com'));
  await box.mailTo('cara@example.com');
});

test('a mail that waits for an address is forgotten, also on disk, and the others are not', async (parts) => {
  const box = await mailbox(parts, { answer: () => ({ code: 451, text: 'not now' }) });
  const mailer = await parts.post.open(at(box.port), { first: 60_000, longest: 60_000 });
  for (const name of ['ben', 'cara']) mailer.send(invitationTo(`${name}@example.com`));
  const queue = join(parts.post.folder, 'mail-queue');
  await until(() => readdirSync(queue).filter((name) => !name.endsWith('.new')).length === 2, 'two wait');
  await parts.post.said('refused-for-now', 2);
  await mailer.forget('ben@example.com');
  assert.is(readdirSync(queue).length, 1);
  await mailer.close();
  const after = await mailbox(parts);
  await parts.post.open(at(after.port));
  await after.mailTo('cara@example.com');
  assert.is(after.mails.length, 1);
});

test('gives up at once what the server will never take, and says what kind it was', async (parts) => {
  const box = await mailbox(parts, {
    answer: () => ({ code: 550, text: '5.1.1 <ben@example.com> is unknown here' }),
  });
  (await parts.post.open(at(box.port))).send(invitationTo('ben@example.com'));
  const line = JSON.parse(await parts.post.said('mail-given-up'));
  assert.equal([line.kind, line.reason, line.smtp], ['invitation', 'refused', 550]);
  assert.equal(readdirSync(join(parts.post.folder, 'mail-queue')), []);
  nothingPersonalIn(parts.post);
});

test('delivers everything when a server that was away is back', async (parts) => {
  const gone = await mailbox(parts);
  const { port } = gone;
  await gone.close();
  const mailer = await parts.post.open(at(port));
  const addresses = ['ben', 'cara', 'dan'].map((name) => `${name}@example.com`);
  for (const address of addresses) mailer.send(invitationTo(address));
  const line = JSON.parse(await parts.post.said('mail-delayed', 3));
  assert.equal([line.reason, line.code], ['not-reachable', 'ECONNREFUSED']);
  const box = await mailbox(parts, { port });
  for (const address of addresses) await box.mailTo(address);
  await parts.post.said('mail-sent', 3);
  assert.is(box.mails.length, 3);
  nothingPersonalIn(parts.post);
});

test('keeps what is on its way over a restart, sealed and for its owner alone', async (parts) => {
  const gone = await mailbox(parts);
  const { port } = gone;
  await gone.close();
  const first = await parts.post.open(at(port));
  first.send(invitationTo('ben@example.com'));
  await parts.post.said('mail-delayed');
  // Not even begun when the end comes.
  first.send(invitationTo('cara@example.com'));
  await first.close();
  const queue = join(parts.post.folder, 'mail-queue');
  assert.is(readdirSync(queue).length, 2);
  assert.is(statSync(queue).mode & 0o777, 0o700);
  for (const name of readdirSync(queue)) {
    assert.is(statSync(join(queue, name)).mode & 0o777, 0o600);
    const sealed = readFileSync(join(queue, name), 'utf8');
    const readable =
      sealed + sealed.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    for (const word of [secret, 'example.com', 'Acme']) assert.not(readable.includes(word), word);
  }
  const box = await mailbox(parts, { port });
  await parts.post.open(at(port));
  await box.mailTo('ben@example.com');
  await box.mailTo('cara@example.com');
  await parts.post.said('mail-sent', 2);
  assert.equal(readdirSync(queue), []);
});

test('says how many mails do not open after a restart, and goes on without them', async (parts) => {
  const queue = join(parts.post.folder, 'mail-queue');
  await (await parts.post.open(at(1))).close();
  writeFileSync(join(queue, 'b5f5b1f4-0000-4000-8000-000000000000'), 'a.b.c.d.e');
  const box = await mailbox(parts);
  const mailer = await parts.post.open(at(box.port));
  assert.is(JSON.parse(await parts.post.said('mail-lost')).mails, 1);
  mailer.send(invitationTo('ben@example.com'));
  await box.mailTo('ben@example.com');
});

test('gives up a link that has expired, and anything after two days', async (parts) => {
  const gone = await mailbox(parts);
  await gone.close();
  const hour = 3_600_000;
  const mailer = await parts.post.open(at(gone.port));
  mailer.send(invitationTo('ben@example.com', parts.post.now + hour));
  mailer.send({ kind: 'account-erased', to: { address: 'cara@example.com' }, at: parts.post.now });
  await until(() => readdirSync(join(parts.post.folder, 'mail-queue')).length === 2, 'both are kept');
  await parts.post.said('mail-delayed', 2);
  parts.post.now += hour;
  assert.match(await parts.post.said('mail-given-up'), '"kind":"invitation","reason":"too-late"');
  parts.post.now += 47 * hour;
  await parts.post.said('mail-given-up', 2);
  assert.match(parts.post.lines.join(''), '"kind":"account-erased","reason":"too-late"');
  nothingPersonalIn(parts.post);
});

test('a server that never says a word keeps neither a request nor the end waiting', async (parts) => {
  const connected: unknown[] = [];
  const silent = createServer((socket) => {
    connected.push(socket);
    socket.on('error', () => undefined);
    parts.ends.push(async () => socket.destroy());
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  parts.ends.push(async () => silent.close());
  const mailer = await parts.post.open(at((silent.address() as AddressInfo).port));
  assert.is(mailer.send(invitationTo('ben@example.com')), undefined);
  // All of it comes later: what is done before the answer to a request is the same as for an address nobody has.
  assert.equal(readdirSync(join(parts.post.folder, 'mail-queue')), []);
  await until(() => connected.length === 1, 'it has connected');
  await mailer.close();
  assert.is(readdirSync(join(parts.post.folder, 'mail-queue')).length, 1);
  mailer.send(invitationTo('cara@example.com'));
  assert.match(await parts.post.said('mail-dropped'), '"reason":"closed"');
});

test('one address cannot fill the queue, and the queue has an end', async (parts) => {
  const gone = await mailbox(parts);
  await gone.close();
  const mailer = await parts.post.open(at(gone.port));
  mailer.send(invitationTo('Ben <ben@example.com>'));
  for (let index = 0; index < 11; index++) mailer.send(invitationTo('ben@example.com'));
  await parts.post.said('too-many-for-one-address');
  for (let index = 0; index < 491; index++) mailer.send(invitationTo(`user${index}@example.com`));
  await mailer.close();
  for (const reason of ['not-an-address', 'too-many-for-one-address', 'queue-full']) {
    assert.is(parts.post.lines.filter((line) => line.includes(reason)).length, 1, reason);
  }
  assert.is(readdirSync(join(parts.post.folder, 'mail-queue')).length, 500);
  nothingPersonalIn(parts.post);
});

test.run();
