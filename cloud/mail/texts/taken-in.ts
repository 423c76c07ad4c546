import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, person } from '../words.ts';

export function takenIn(mail: MailOf<'taken-in'>, page: Page): Letter {
  const what =
    mail.organisation === null
      ? 'made you an operator of the fleet'
      : `taken you into the organisation “${name(mail.organisation)}”`;
  return {
    subject: 'Your Loadline account opens more',
    paragraphs: [
      { text: `${person(mail.invitedBy)} has ${what} on Loadline.` },
      { label: 'Sign in as before to see it:', link: `${page.address}/` },
      {
        text: 'If you do not know what this is about, there is nothing to do: nobody sees more of you by it.',
      },
    ],
  };
}
