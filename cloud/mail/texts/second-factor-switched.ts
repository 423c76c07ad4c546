import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { time } from '../words.ts';

/** One text for both ways it can be switched. */
export function secondFactorSwitched(
  mail: MailOf<'second-factor-enabled'> | MailOf<'second-factor-disabled'>,
  page: Page,
): Letter {
  const on = mail.kind === 'second-factor-enabled';
  return {
    subject: on ? 'A second factor protects your account now' : 'The second factor was switched off',
    paragraphs: [
      {
        text: on
          ? 'From now on, signing in to your Loadline account takes a code of your authenticator besides the password.'
          : 'Your Loadline account is protected by its password alone now.',
      },
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
