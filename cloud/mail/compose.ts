import MailComposer from 'nodemailer/lib/mail-composer';
import { render } from './letter.ts';
import type { Mail } from './mail.ts';
import type { Page } from './page.ts';
import { write } from './texts/index.ts';
import { isMailAddress, name } from './words.ts';

/** Who mails come from. */
export interface Sender {
  readonly address: string;
  /** Where answers go; to the sender where there is none. */
  readonly replyTo?: string;
}

/** A mail as it travels. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
  /** The message (RFC 5322), lines ended by CRLF, ASCII throughout. */
  readonly message: string;
}

/**
 * Writes a mail out as a message.
 *
 * @param id names this message among all of this page's, for its `Message-ID`
 * @param at ms since 1970, for its `Date`
 * @throws TypeError where `to` is not one plain mail address
 */
export async function compose(
  mail: Mail,
  parts: { readonly page: Page; readonly sender: Sender; readonly id: string; readonly at: number },
): Promise<Envelope> {
  const { page, sender, id, at } = parts;
  if (!isMailAddress(mail.to.address)) throw new TypeError('the recipient is not one plain mail address');
  const { subject, text, html } = render(write(mail, page), mail.to, page);
  const message = await new MailComposer({
    from: { name: 'Loadline', address: sender.address },
    to: { name: name(mail.to.name ?? ''), address: mail.to.address },
    ...(sender.replyTo !== undefined && { replyTo: { name: '', address: sender.replyTo } }),
    subject,
    text,
    html,
    date: new Date(at),
    messageId: `<${id}@${page.host}>`,
    headers: {
      // RFC 3834: no out-of-office answers. The second is what Exchange goes by.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
  return { from: sender.address, to: mail.to.address, message: message.toString('latin1') };
}
