import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

export function secondFactorResetRequested(
  mail: MailOf<'second-factor-reset-requested'>,
  page: Page,
): Letter {
  return {
    subject: 'Your second factor is about to be removed',
    paragraphs: [
      {
        text: `Somebody asked to remove the second factor from your account, as if it were lost. This happens on ${time(mail.takesEffect)}, unless you stop it.`,
      },
      {
        facts: [
          ['Asked', time(mail.at)],
          ['From the network address', mail.source],
        ],
      },
      {
        label: 'If you still have your second factor, stop it here:',
        link: page.link('keep-second-factor', mail.secret),
      },
      { text: 'If it was not you, somebody may know your password: change it, and tell an administrator.' },
    ],
  };
}
