import type { Letter } from '../letter.ts';
import type { GuessedThing, MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, plain, time } from '../words.ts';

const things: Readonly<Record<GuessedThing, string>> = {
  password: 'passwords',
  'second-factor': 'codes of a second factor',
  'api-token': 'API tokens',
  'application-key': 'application keys',
  'gateway-credential': 'credentials of gateways',
  pin: 'PINs',
};

export function guessingAlarm(mail: MailOf<'guessing-alarm'>, page: Page): Letter {
  const where =
    mail.organisation === null ? 'this Loadline' : `the organisation “${name(mail.organisation)}”`;
  const rest = mail.sourceCount - mail.sources.length;
  return {
    subject: `Somebody is guessing ${things[mail.what]}`,
    paragraphs: [
      { text: `Somebody tries to get into ${where} by guessing ${things[mail.what]}.` },
      {
        facts: [
          [
            'Tried on',
            mail.account === null ? 'several accounts, or none that there is' : plain(mail.account),
          ],
          ['Failed attempts', String(mail.attempts)],
          ['Since', time(mail.since)],
          ['Last', time(mail.at)],
          ...mail.sources.map((source) => ['From', plain(source)] as const),
          ...(rest > 0 ? [['From', `${rest} more addresses`] as const] : []),
        ],
      },
      {
        text: 'Each failed attempt makes the next one wait longer, and a source that goes on is blocked. Whoever signs in from his usual device is not held up by this.',
      },
      {
        label:
          'What to do: look at the audit log for a sign-in that succeeded from one of these addresses. If you find one, end its session and let its owner choose a new password.',
        link: `${page.address}/`,
      },
      {
        text: 'If you know the source, a device with an old password for example, mend it there and unblock it.',
      },
    ],
  };
}
