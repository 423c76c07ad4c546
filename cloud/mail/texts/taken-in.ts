import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, person } from '../words.ts';

export function takenIn(mail: MailOf<'taken-in'>, page: Page): Letter {
  const what =
    mail.organisation === null
      ? 'made you an operator of the fleet'
      : `invited you into the organisation “${name(mail.organisation)}”`;
  return {
    subject: mail.organisation === null ? 'Your Loadline account opens more' : 'An invitation on Loadline',
    paragraphs: [
      { text: `${person(mail.invitedBy)} has ${what} on Loadline.` },
      {
        label:
          mail.organisation === null
            ? 'Sign in as before to see it:'
            : 'Sign in as before to accept or decline:',
        link: `${page.address}/`,
      },
      {
        text: 'If you do not know what this is about, there is nothing to do: nobody sees more of you by it.',
      },
    ],
  };
}
