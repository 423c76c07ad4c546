import type { UserPrincipal } from '../access/index.ts';
import type { PersonRow, Store } from '../store/index.ts';
import { chainsOf } from './sessions.ts';

/** Whose second factor it is: the person of a session. */
export async function personOf(store: Pick<Store, 'read'>, { id }: UserPrincipal): Promise<PersonRow> {
  const person = await store.read('person', { id });
  // Erased since the request was let in.
  if (person === undefined) throw new Error('the person of this session is no more');
  return person;
}

/** Whom an entry of the audit log is about, and in whose logs it stands. */
export function about(person: PersonRow) {
  return { target: { kind: 'user', id: person.id }, organisation: chainsOf(person) };
}
