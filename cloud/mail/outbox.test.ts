import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outboxFiles } from './outbox.ts';
import { readMessage } from './test-mailbox.ts';
import { invitationTo, makeTestPost, secret, type TestPost } from './test-parts.ts';

const test = suite<{ post: TestPost }>('the outbox folder');

test.before.each(async (context) => {
  context.post = await makeTestPost();
});
test.after.each(({ post }) => post.end());

test('without a mail server, mails are files for their owner alone, and the log says so', async ({
  post,
}) => {
  const mailer = await post.open();
  const outbox = join(post.folder, 'outbox');
  assert.match(await post.said('mail-to-outbox'), JSON.stringify(outbox).slice(1, -1));
  mailer.send(invitationTo('ben@example.com'));
  const { file } = JSON.parse(await post.said('mail-in-outbox'));
  assert.match(file, /^20261122T143000Z-invitation-[0-9a-f]{8}\.eml$/);
  assert.equal(readdirSync(outbox), [file]);
  assert.is(statSync(outbox).mode & 0o777, 0o700);
  assert.is(statSync(join(outbox, file)).mode & 0o777, 0o600);
  const mail = await readMessage(readFileSync(join(outbox, file)));
  assert.equal(mail.to, ['ben@example.com']);
  assert.is(mail.from, 'loadline@cloud.example');
  assert.equal(mail.links, [`https://cloud.example:8443/#set-password=${secret}`]);
  assert.equal(readdirSync(join(post.folder, 'mail-queue')), []);
  for (const word of ['example.com', secret]) assert.not(post.lines.join('').includes(word), word);
});

test('the folder stays bounded: the oldest mail makes room', async ({ post }) => {
  const mailer = await post.open();
  const outbox = join(post.folder, 'outbox');
  for (let index = 0; index < outboxFiles; index++) {
    writeFileSync(join(outbox, `20250101T0000${String(index).padStart(5, '0')}Z-invitation-0.eml`), '');
  }
  mailer.send(invitationTo('ben@example.com'));
  const { file } = JSON.parse(await post.said('mail-in-outbox'));
  const kept = readdirSync(outbox).sort();
  assert.is(kept.length, outboxFiles);
  assert.is(kept[0], '20250101T000000001Z-invitation-0.eml');
  assert.is(kept.at(-1), file);
});

test('what is kept for an address is forgotten: its files and what waits, and no other’s', async ({
  post,
}) => {
  const mailer = await post.open();
  const [outbox, queue] = [join(post.folder, 'outbox'), join(post.folder, 'mail-queue')];
  const long = `${'b'.repeat(60)}@${'example-'.repeat(6)}x.example.com`;
  const to = (address: string, name: string) => ({ ...invitationTo(address), to: { address, name } });
  const [gone, kept] = [
    [to(long, 'Bénédicte Ö. '.repeat(8)), to('ben@example.com', 'Ben')],
    [to('xben@example.com', 'Not ben@example.com'), to('cara@example.com', 'Cara')],
  ];
  for (const mail of [...gone, ...kept]) mailer.send(mail);
  await post.said('mail-in-outbox', 4);
  // Handed over, and not begun yet.
  mailer.send(invitationTo('ben@example.com'));
  await mailer.forget('BEN@example.com');
  await mailer.forget(long);
  await mailer.close();
  const left = await Promise.all(
    readdirSync(outbox).map(async (file) => (await readMessage(readFileSync(join(outbox, file)))).to),
  );
  assert.equal(left.flat().sort(), ['cara@example.com', 'xben@example.com']);
  assert.equal(readdirSync(queue), []);
});

test.run();
