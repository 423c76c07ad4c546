export { type Answerer, type AskOptions, Conversation, type ConversationOptions } from './conversation.ts';
export { LinkError } from './errors.ts';
export { decodeFrame, encodeFrame, type Frame } from './frame.ts';
export type { Taken } from './inbox.ts';
export { Link, type LinkFigures, type LinkOptions, type LinkState } from './link.ts';
export { type LinkLife, SerialLink, type SerialLinkOptions } from './serial-link.ts';
export type { Session } from './standing.ts';
