import { type UpdateMessage, updateMessage } from '@loadline/sdk/contract';
import { releaseVersion } from '@loadline/sdk/release';
import { readJson } from '../downlink/index.ts';

/** What the cloud wishes this gateway to run: which wish, and the release's version. */
export type Offer = NonNullable<UpdateMessage['offer']>;

/** What an `update` message says (null: nothing is offered, or no longer), or why it says nothing. */
export type ReadOffer =
  | { readonly ok: true; readonly offer: Offer | null }
  | { readonly ok: false; readonly fault: string };

/** Reads an `update` message that anybody may have sent; never throws. */
export function readOffer(payload: Uint8Array): ReadOffer {
  const read = readJson(payload);
  if (!read.ok) return read;
  const message = updateMessage.safeParse(read.message);
  if (!message.success) {
    const [first] = message.error.issues;
    return { ok: false, fault: `its ${first?.path.join('.') || 'content'}: ${first?.message}` };
  }
  const { offer } = message.data;
  if (offer !== null && !releaseVersion.safeParse(offer.release).success) {
    return { ok: false, fault: 'what it offers is not called as releases are' };
  }
  return { ok: true, offer };
}
