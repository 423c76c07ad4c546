import { isMac, macOf, type SocketSecret } from './mac.ts';

/** What the cloud says of a line. */
export type SocketReply =
  /** So many readings are on disk. */
  | { readonly kind: 'stored'; readonly readings: number }
  /** They were on disk already, by a line before this one. */
  | { readonly kind: 'duplicate' }
  /** Too much at once: nothing of it was taken; come again after so many seconds. */
  | { readonly kind: 'limited'; readonly seconds: number }
  /** Nothing of it was stored. Codes are in sdk/contract. */
  | { readonly kind: 'error'; readonly code: string; readonly reason: string };

/** What a reply names the line by, and the secret it is signed with where the line was signed. */
export interface ReplyTo {
  /** The counter, or the line's id. */
  readonly id: string;
  readonly secret?: SocketSecret;
}

/** Characters of a reason at most. */
const reasonLength = 200;

/**
 * A reply, without its end. `to` is what the line was named by; undefined where it had no name. Where it would have more than
 * `mostBytes`, its reason is cut; undefined where it is too long even without one.
 */
export function writeReply(
  reply: SocketReply,
  to?: ReplyTo,
  mostBytes = Number.POSITIVE_INFINITY,
): string | undefined {
  const word = wordsOf(reply);
  const reason = reply.kind === 'error' ? oneLine(reply.reason) : '';
  const bare = withName(word, to);
  if (bare.length > mostBytes) return undefined;
  const room = Math.min(reasonLength, mostBytes - bare.length - 1);
  if (reason === '' || room < 1) return bare;
  return withName(`${word} ${reason.slice(0, room).trimEnd()}`, to);
}

function wordsOf(reply: SocketReply): string {
  switch (reply.kind) {
    case 'stored':
      return `OK ${reply.readings}`;
    case 'duplicate':
      return 'OK dup';
    case 'limited':
      return `ERR 429 ${reply.seconds}`;
    case 'error':
      return `ERR ${reply.code}`;
  }
}

/** Printable ASCII, so that a character is a byte, without what begins a name. */
function oneLine(reason: string): string {
  return reason.replace(/[^ -~]/g, '?').replaceAll('#', '?');
}

function withName(words: string, to: ReplyTo | undefined): string {
  if (to === undefined) return words;
  const named = `${words} #${to.id}`;
  return to.secret === undefined ? named : `${named} ${macOf(to.secret, named)}`;
}

const replyPattern =
  /^(?:OK (?<readings>\d{1,15}|dup)|ERR (?<code>[a-z0-9-]{1,64})(?: (?<reason>[^#]*?))?)(?: #(?<id>[A-Za-z0-9_.-]{1,32})(?: (?<mac>[\w-]{16}))?)?$/;

/**
 * Reads a reply, without its end. With `secret`, only one that is signed with it is read: what others say on the wire is
 * undefined, and so is what is no reply. `id` is the name of the line it is of.
 */
export function readReply(
  line: string,
  secret?: SocketSecret,
): { readonly reply: SocketReply; readonly id: string | undefined } | undefined {
  const found = replyPattern.exec(line)?.groups;
  if (found === undefined) return undefined;
  const { readings, code, reason = '', id, mac } = found;
  if (secret !== undefined && (mac === undefined || !isMac(secret, line.slice(0, -mac.length - 1), mac)))
    return undefined;
  return { reply: replyOf({ readings, code, reason }), id };
}

function replyOf({
  readings,
  code = '',
  reason,
}: {
  readings: string | undefined;
  code: string | undefined;
  reason: string;
}): SocketReply {
  if (readings === 'dup') return { kind: 'duplicate' };
  if (readings !== undefined) return { kind: 'stored', readings: Number(readings) };
  if (code === '429') return { kind: 'limited', seconds: Number.parseInt(reason, 10) || 1 };
  return { kind: 'error', code, reason };
}
