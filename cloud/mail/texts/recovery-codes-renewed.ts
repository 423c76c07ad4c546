import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function recoveryCodesRenewed(mail: MailOf<'recovery-codes-renewed'>, page: Page): Letter {
  return {
    subject: 'Your recovery codes were made anew',
    paragraphs: [
      { text: 'Your Loadline account has new recovery codes. Those before them open nothing any more.' },
      {
        facts: [
          ['When', time(mail.at)],
          ['From the network address', mail.source],
        ],
      },
      {
        label: 'If it was not you, change your password at once, and tell an administrator:',
        link: `${page.address}/`,
      },
    ],
  };
}
