import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function recoveryCodeUsed(mail: MailOf<'recovery-code-used'>, page: Page): Letter {
  return {
    subject: 'Somebody signed in with one of your recovery codes',
    paragraphs: [
      { text: 'Your Loadline account was signed in to with a recovery code, in place of the authenticator.' },
      {
        facts: [
          ['When', time(mail.at)],
          ['From the network address', mail.source],
          ['Recovery codes that are left', String(mail.left)],
        ],
      },
      {
        label: 'If it was not you, change your password at once, and tell an administrator:',
        link: `${page.address}/`,
      },
      { text: 'If you have lost the authenticator, set up another one in your profile, and make new codes.' },
    ],
  };
}
