import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { plain, time } from '../words.ts';

export function rolloutHalted(mail: MailOf<'rollout-halted'>, page: Page): Letter {
  return {
    subject: `The rollout of ${plain(mail.release)} was halted`,
    paragraphs: [
      {
        text: `The rollout of release ${plain(mail.release)} for ${plain(mail.target)} was halted by itself: ${plain(mail.reason)}.`,
      },
      {
        facts: [
          ['Release', `${plain(mail.release)} for ${plain(mail.target)}`],
          ['Begun', time(mail.since)],
          ['Halted', time(mail.at)],
        ],
      },
      {
        text: 'No gateway is offered it any more. Those that run it and have confirmed it stay with it; those on which it failed run again what they ran before.',
      },
      {
        label:
          'What to do: see what the gateways said, find what was wrong, and begin another rollout with what mends it:',
        link: `${page.address}/`,
      },
    ],
  };
}
