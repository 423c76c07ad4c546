import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import { time } from '../words.ts';

export function accountErased(mail: MailOf<'account-erased'>): Letter {
  return {
    subject: 'Your account was erased',
    paragraphs: [
      { text: `On ${time(mail.at)} your Loadline account and what it held about you were erased.` },
      {
        text: 'The audit log still says what was done with the account, under a pseudonym that no longer leads to you.',
      },
      { text: 'This is the last mail to this address.' },
    ],
  };
}
