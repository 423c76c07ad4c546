export { loadMailConfig, type MailConfig } from './config.ts';
export type { GuessedThing, Mail, MailContent, MailKind } from './mail.ts';
export { Mailer } from './mailer.ts';
export { resealQueue } from './spool.ts';
export { isMailAddress } from './words.ts';
