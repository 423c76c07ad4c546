import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, person, time } from '../words.ts';

export function invitation(mail: MailOf<'invitation'>, page: Page): Letter {
  const organisation = mail.organisation === null ? undefined : `“${name(mail.organisation)}”`;
  const where =
    organisation === undefined ? 'as an operator of its fleet' : `in the organisation ${organisation}`;
  return {
    subject:
      organisation === undefined
        ? 'Your account on Loadline'
        : `Your account for ${organisation} on Loadline`,
    paragraphs: [
      { text: `${person(mail.invitedBy)} has made an account for you ${where}.` },
      { label: 'Choose your password here:', link: page.link('set-password', mail.secret) },
      { text: `This link works once, until ${time(mail.validUntil)}. After that, ask for a new one.` },
      {
        text: 'If you do not know what this is about, do nothing: without a password the account cannot be used.',
      },
    ],
  };
}
