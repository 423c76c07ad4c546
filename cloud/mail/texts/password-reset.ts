import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { plain, time } from '../words.ts';

export function passwordReset(mail: MailOf<'password-reset'>, page: Page): Letter {
  return {
    subject: 'A new password for Loadline',
    paragraphs: [
      {
        text: `Somebody at the network address ${plain(mail.source)} asked for a new password for your account.`,
      },
      { label: 'If it was you, choose it here:', link: page.link('reset-password', mail.secret) },
      { text: `This link works once, until ${time(mail.validUntil)}.` },
      { text: 'If it was not you, do nothing: your password stays as it is.' },
    ],
  };
}
