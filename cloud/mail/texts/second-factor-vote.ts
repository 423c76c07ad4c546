import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, time } from '../words.ts';

export function secondFactorVote(mail: MailOf<'second-factor-vote'>, page: Page): Letter {
  return {
    subject: 'An administrator wants to remove your second factor',
    paragraphs: [
      {
        text: `On ${time(mail.at)} an administrator of the organisation “${name(mail.organisation)}” asked to remove the second factor from your account, as if it were lost. If a second administrator asks for the same before ${time(mail.validUntil)}, it is removed.`,
      },
      {
        label: 'If you still have your second factor, stop it here:',
        link: page.link('keep-second-factor', mail.secret),
      },
      { text: 'If you asked for it, there is nothing to do.' },
    ],
  };
}
