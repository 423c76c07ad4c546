import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function passwordChanged(mail: MailOf<'password-changed'>, page: Page): Letter {
  return {
    subject: 'Your password was changed',
    paragraphs: [
      { text: 'The password of your Loadline account was changed.' },
      {
        facts: [
          ['When', time(mail.at)],
          ['From the network address', mail.source],
        ],
      },
      { label: 'If it was not you, ask for a new password at once:', link: `${page.address}/` },
      { text: 'Then look through the sessions in your profile, and tell an administrator.' },
    ],
  };
}
