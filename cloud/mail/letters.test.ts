import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compose } from './compose.ts';
import type { Mail, MailContent, MailKind } from './index.ts';
import { isMailAddress } from './index.ts';
import { Page } from './page.ts';
import { type ReceivedMail, readMessage } from './test-mailbox.ts';
import { secret } from './test-parts.ts';

const test = suite('what mails say');

const at = Date.UTC(2026, 10, 22, 14, 30);
const source = '192.0.2.7';
const validUntil = Date.UTC(2026, 10, 29, 14, 30);

/** One of each kind, its foreign text chosen by others: names, devices, whatever a program hands on. */
function oneOfEach(foreign: string): { readonly [Kind in MailKind]: MailContent & { readonly kind: Kind } } {
  return {
    invitation: {
      kind: 'invitation',
      organisation: foreign,
      invitedBy: { address: 'ann@example.com', name: foreign },
      secret,
      validUntil,
    },
    'taken-in': {
      kind: 'taken-in',
      organisation: foreign,
      invitedBy: { address: 'ann@example.com', name: foreign },
    },
    'password-reset': { kind: 'password-reset', source: foreign, secret, validUntil },
    'password-changed': { kind: 'password-changed', at, source: foreign },
    'second-factor-enabled': { kind: 'second-factor-enabled', at, source: foreign },
    'second-factor-disabled': { kind: 'second-factor-disabled', at, source: foreign },
    'recovery-codes-renewed': { kind: 'recovery-codes-renewed', at, source: foreign },
    'recovery-code-used': { kind: 'recovery-code-used', at, source: foreign, left: 9 },
    'second-factor-reset-requested': {
      kind: 'second-factor-reset-requested',
      at,
      source: foreign,
      takesEffect: validUntil,
      secret,
    },
    'second-factor-vote': { kind: 'second-factor-vote', organisation: foreign, at, validUntil, secret },
    'second-factor-reset': { kind: 'second-factor-reset', at },
    'new-sign-in': { kind: 'new-sign-in', at, source, device: foreign },
    'guessing-alarm': {
      kind: 'guessing-alarm',
      organisation: foreign,
      what: 'password',
      account: foreign,
      since: at - 600_000,
      at,
      attempts: 120,
      sources: [foreign, source],
      sourceCount: 5,
    },
    'rollout-halted': {
      kind: 'rollout-halted',
      release: '1.4.0',
      target: 'linux-arm64',
      since: at,
      at,
      reason: foreign,
    },
    'identity-cloned': {
      kind: 'identity-cloned',
      organisation: foreign,
      device: 'mast-1',
      deviceName: foreign,
      since: at - 600_000,
      at,
      times: 7,
      sources: [source, '198.51.100.4'],
    },
    'address-changed': { kind: 'address-changed', at, source, newAddress: foreign },
    'account-erased': { kind: 'account-erased', at },
  };
}

const kinds = Object.keys(oneOfEach('')) as MailKind[];

async function received(mail: Mail): Promise<ReceivedMail> {
  const { message } = await compose(mail, {
    page: new Page('https://cloud.example:8443/'),
    sender: { address: 'loadline@example.com', replyTo: 'help@example.com' },
    id: '6ecdb6ea-25ba-4e0a-bdb5-8ee3bd9b06b4',
    at,
  });
  return readMessage(Buffer.from(message, 'latin1'));
}

const mailOf = (kind: MailKind, foreign: string): Mail => ({
  ...oneOfEach(foreign)[kind],
  to: { address: 'ben@example.com', name: foreign },
});

/** What an attacker would call himself, besides anything at all. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '\r\n',
          '\n',
          '\r',
          '\0',
          '\u2028',
          '\u2029',
          '\u0085',
          '\u202e',
          '\u2066',
          '\u200b',
          '\ud800',
          '\t',
        ],
        ...[
          'Bcc: eve@example.net',
          'Subject: you have won',
          '.',
          '\r\n.\r\n',
          '--',
          '=?utf-8?Q?=0D=0ABcc:?=',
          ',',
        ],
        ...[
          '"',
          '”',
          "'",
          '<',
          '>',
          '&',
          '<b>',
          '</p>',
          '<script>',
          '&lt;',
          '<a href="',
          'javascript:',
          '=\r\n',
        ],
        ...[
          'https://evil.example/x',
          'http:',
          '//',
          'www.evil.example',
          'eve@evil.example',
          'évil.рф',
          'Ünïcödé',
        ],
        ...['<eve@example.net>', '(', ')', ';', ':', '\\', 'x'.repeat(90), ' ', '💥', 'שלום'],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);

const tagsOf = (html: string): string[] =>
  (html.match(/<[^>]*>/g) ?? []).filter((tag) => !tag.startsWith('<a '));
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test('no name, device or address adds a header, a line, a tag or a link to any mail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds), hostile, async (kind, foreign) => {
      const mail = await received(mailOf(kind, foreign));
      const harmless = await received(mailOf(kind, 'Acme'));
      const names = ({ headers }: ReceivedMail) => headers.map(({ key }) => key);
      assert.equal(names(mail), names(harmless));
      assert.equal(mail.to, ['ben@example.com']);
      assert.not.match(mail.toNames.join(), unprintable);
      assert.is(mail.from, 'loadline@example.com');
      assert.not.match(mail.subject, unprintable);
      assert.ok([...mail.subject].length <= 120);
      assert.is(mail.text.split('\n').length, harmless.text.split('\n').length);
      assert.not.match(mail.text.replaceAll('\n', ''), unprintable);
      assert.equal(tagsOf(mail.html), tagsOf(harmless.html));
      assert.equal(linksIn(mail.html), linksIn(harmless.html));
      if (kind === 'invitation' || kind === 'new-sign-in') assert.equal(mail.links, harmless.links);
      // SMTP's own limits (RFC 5321, section 4.5.3.1.6): ASCII, and no line too long.
      assert.match(mail.raw, /^[\t\r\n\x20-\x7e]*$/);
      assert.ok(mail.raw.split('\r\n').every((line) => line.length <= 998 && !/[\r\n]/.test(line)));
    }),
    { numRuns: 400 },
  );
});

function linksIn(html: string): string[] {
  return [...html.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, link = '', shown = '']) => {
    assert.is(link, shown);
    return link;
  });
}

test('a name that is a link, or ends a sentence of ours, is neither in a mail', async () => {
  const mail = await received(mailOf('invitation', 'Prize” at https://evil.example/win or www.evil.example'));
  assert.is(
    mail.text.split('\n')[2],
    "Prize' at https evil. example/win or www. evil. example (ann@example.com) has made an account for you in the organisation “Prize' at https evil. example/win or www. evil. example”.",
  );
});

test('says by itself that nobody wrote it, when, and which message it is', async () => {
  const { headers, subject, raw } = await received(mailOf('invitation', 'Müller & Söhne'));
  const header = Object.fromEntries(headers.map(({ key, value }) => [key, value]));
  assert.is(header['auto-submitted'], 'auto-generated');
  assert.is(header.date, 'Sun, 22 Nov 2026 14:30:00 +0000');
  assert.is(header['message-id'], '<6ecdb6ea-25ba-4e0a-bdb5-8ee3bd9b06b4@cloud.example>');
  assert.is(header['reply-to'], 'help@example.com');
  assert.is(subject, 'Your account for “Müller & Söhne” on Loadline');
  assert.match(raw, /Content-Type: multipart\/alternative/);
});

const actions: Partial<Record<MailKind, string>> = {
  invitation: 'set-password',
  'password-reset': 'reset-password',
  'second-factor-reset-requested': 'keep-second-factor',
  'second-factor-vote': 'keep-second-factor',
};

for (const kind of kinds) {
  test(`${kind}: links lead to the page alone, and a secret is behind a # and in no other kind`, async () => {
    const mail = await received(mailOf(kind, 'Acme'));
    const action = actions[kind];
    const links = kind === 'account-erased' ? [] : ['https://cloud.example:8443/'];
    assert.equal(
      mail.links,
      action === undefined ? links : [`https://cloud.example:8443/#${action}=${secret}`],
    );
    assert.equal(linksIn(mail.html), mail.links);
    assert.not.match(mail.html, /<img|src=|http:/);
    assert.match(mail.text, /^Hello Acme,\n/);
  });
}

test('a reset of the second factor says when it takes effect, an invitation until when it is good', async () => {
  for (const kind of ['second-factor-reset-requested', 'invitation'] as const) {
    assert.match((await received(mailOf(kind, 'Acme'))).text, '29 November 2026 at 14:30 UTC');
  }
});

test('an alarm says what is tried, from where, how often, and what to do', async () => {
  const { text } = await received(mailOf('guessing-alarm', 'Acme'));
  for (const piece of [
    'guessing passwords',
    'Failed attempts: 120',
    'From: 192.0.2.7',
    'From: 3 more addresses',
    'What to do:',
  ]) {
    assert.ok(text.includes(piece), piece);
  }
});

test('an alarm of a cloned identity names the gateway, both addresses, and what to do', async () => {
  const { text } = await received(mailOf('identity-cloned', 'Acme'));
  for (const piece of [
    'Gateway: mast-1',
    'From: 192.0.2.7',
    'From: 198.51.100.4',
    'Times: 7',
    'What to do:',
  ]) {
    assert.ok(text.includes(piece), piece);
  }
});

test('a mail goes to one plain address, or to none', async () => {
  assert.ok(isMailAddress('ben.o+x@mail.example.com'));
  for (const address of [
    ...['', 'ben', 'ben@', '@example.com', 'ben@example.com, eve@example.net', 'Ben <ben@example.com>'],
    ...[
      'ben@example.com\r\nBcc: eve@example.net',
      '"ben eve@example.net"@example.com',
      'ben@example.com ',
      'ben@exämple.com',
    ],
    ...['ben@example.com>', `${'x'.repeat(65)}@example.com`, `ben@${'x'.repeat(250)}.com`, 'ben@[127.0.0.1]'],
  ]) {
    assert.not(isMailAddress(address), JSON.stringify(address));
    const mail: Mail = { kind: 'account-erased', at, to: { address } };
    await received(mail).then(
      () => assert.unreachable(address),
      (error) => assert.instance(error, TypeError),
    );
  }
});

test('a page is a bare https address', () => {
  assert.is(
    new Page('https://cloud.example').link('set-password', 'a b&c#"'),
    'https://cloud.example/#set-password=a%20b%26c%23%22',
  );
  for (const address of [
    'http://cloud.example',
    'cloud.example',
    'https://cloud.example/x',
    'https://a:b@cloud.example',
    'https://cloud.example/?a',
    'https://cloud.example/#a',
  ]) {
    assert.throws(() => new Page(address), /give https:\/\/host/, address);
  }
});

test.run();
