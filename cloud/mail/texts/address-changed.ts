import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function addressChanged(mail: MailOf<'address-changed'>, page: Page): Letter {
  return {
    subject: 'The e-mail address of your account was changed',
    paragraphs: [
      { text: 'You sign in to Loadline with another e-mail address from now on, and its mails go there.' },
      {
        facts: [
          ['New address', mail.newAddress],
          ['When', time(mail.at)],
          ['From the network address', mail.source],
        ],
      },
      { label: 'If it was not you, tell an administrator at once. The page is:', link: `${page.address}/` },
    ],
  };
}
