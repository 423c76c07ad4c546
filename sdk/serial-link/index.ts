export { type Answerer, type AskOptions, Conversation, type ConversationOptions } from './conversation.ts';
export { LinkError } from './errors.ts';
export type { LinkFigures, LinkState, Session } from './link.ts';
export { type LinkLife, SerialLink, type SerialLinkOptions } from './serial-link.ts';
