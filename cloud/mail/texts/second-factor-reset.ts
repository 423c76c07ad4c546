import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function secondFactorReset(mail: MailOf<'second-factor-reset'>, page: Page): Letter {
  return {
    subject: 'Your second factor was removed',
    paragraphs: [
      { text: `On ${time(mail.at)} the second factor was removed from your account, as was asked.` },
      { label: 'Sign in and set up a new one:', link: `${page.address}/` },
      { text: 'If you did not want this, change your password at once, and tell an administrator.' },
    ],
  };
}
