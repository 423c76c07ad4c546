import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, time } from '../words.ts';

export function newSignIn(mail: MailOf<'new-sign-in'>, page: Page): Letter {
  return {
    subject: 'A sign-in from a new device',
    paragraphs: [
      { text: 'Your Loadline account was used on a device that it was not used on before.' },
      {
        facts: [
          ['When', time(mail.at)],
          ['From the network address', mail.source],
          ['The device calls itself', name(mail.device)],
        ],
      },
      { text: 'If it was you, there is nothing to do.' },
      {
        label: 'If it was not you, end that session in your profile and change your password at once:',
        link: `${page.address}/`,
      },
    ],
  };
}
