import { createHash } from 'node:crypto';

/** What a gateway is offered a release by. */
export type Wish =
  | { readonly kind: 'rollout'; readonly rollout: string; readonly release: string }
  /** `pin`: another one with each time that it is pinned. */
  | { readonly kind: 'pin'; readonly pin: string; readonly release: string };

/**
 * The id of an offer: the same for the same wish, whichever node or restored copy of the cloud says it, so that a gateway
 * that went back from it does not try it again; another one for each attempt. It is a UUID of version 8 (RFC 9562, section
 * 5.8) made of a digest.
 */
export function offerId(wish: Wish, gateway: string, attempt: number): string {
  const source = wish.kind === 'rollout' ? wish.rollout : wish.pin;
  const what = JSON.stringify(['offer', wish.kind, source, wish.release, gateway, attempt]);
  const bytes = createHash('sha256').update(what).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
