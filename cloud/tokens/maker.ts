import type { Editor, Refusal } from '../people/index.ts';
import type { Store } from '../store/index.ts';

/** Who makes or changes tokens, applications and keys. */
export interface Maker extends Editor {
  /** Id of the token it is done by; null where a person does it himself. */
  readonly token: string | null;
}

/** Until when the maker can act himself, ms since 1970: a token makes nothing that outlives it. */
export async function lastsUntil(store: Store, { token }: Maker): Promise<number> {
  if (token === null) return Number.POSITIVE_INFINITY;
  return (await store.read('apiToken', { id: token }))?.expires ?? 0;
}

/** Writes into the audit log that somebody tried to give more than he has. */
export async function tooMuch(
  store: Store,
  maker: Maker,
  target: { readonly kind: string; readonly id: string },
  refusal: Refusal,
): Promise<Refusal> {
  const entry = maker.entry({ target, outcome: 'refused', code: refusal.code });
  await store.change({ steps: [], audit: [entry] });
  return refusal;
}
