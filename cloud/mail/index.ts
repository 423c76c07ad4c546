export { loadMailConfig, type MailConfig } from './config.ts';
export type { GuessedThing, GuessingSource, Mail, MailContent, MailKind, Person } from './mail.ts';
export { Mailer, type MailerOptions } from './mailer.ts';
export { isMailAddress } from './words.ts';
