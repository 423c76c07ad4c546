import type { Store } from '../store/index.ts';
import type { Visitor } from './visitor.ts';

/** Writes into the fleet's audit log that somebody brought a link that is wrong, used up or too old: whose, nobody knows. */
export async function noteBadLink(
  store: Pick<Store, 'change'>,
  visitor: Visitor,
  action: string,
): Promise<void> {
  const refused = { action, outcome: 'refused', code: 'link-invalid' } as const;
  await store.change({ steps: [], audit: [visitor.entry({ ...refused, organisation: null })] });
}
