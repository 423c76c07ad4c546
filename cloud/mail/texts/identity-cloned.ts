import type { Letter } from '../letter.ts';
import type { MailOf } from '../mail.ts';
import type { Page } from '../page.ts';
import { name, plain, time } from '../words.ts';

export function identityCloned(mail: MailOf<'identity-cloned'>, page: Page): Letter {
  return {
    subject: `Two gateways show the identity of ${plain(mail.device)}`,
    paragraphs: [
      {
        text: `In the organisation “${name(mail.organisation)}”, two gateways show the identity of “${name(mail.deviceName)}”: its card or its state folder was copied, an old image of it was put back, or the card loses what was written to it.`,
      },
      {
        facts: [
          ['Gateway', plain(mail.device)],
          ['Since', time(mail.since)],
          ['Last', time(mail.at)],
          ['Times', String(mail.times)],
          ...mail.sources.map((source) => ['From', plain(source)] as const),
        ],
      },
      {
        text: 'Where both are alive, the link that stands stays and the other gateway is refused. It tries again every few minutes, and what it reads waits in its journal: nothing is lost by this.',
      },
      {
        label:
          'What to do: find both by these addresses. Stop the one that is not meant to run, and provision it anew as a gateway of its own. If nobody of yours copied a card, treat it as a theft of the key: revoke the certificate, and provision the right gateway anew. Then say that you have seen to it:',
        link: `${page.address}/`,
      },
    ],
  };
}
