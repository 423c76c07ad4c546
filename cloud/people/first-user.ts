import { join } from 'node:path';
import { writeWhole } from '@loadline/sdk/platform';
import { type Store, step } from '../store/index.ts';
import { generatePassword, hashPassword } from './passwords.ts';

/** The first organisation, and the name its first user logs in with. */
const organisation = { id: 'first', name: 'First organisation' };
const firstUser = 'operator';

/**
 * Makes the first organisation and its user where the store has none. The password is generated, and its only
 * copy is the file `first-login.json` in `folder`, readable by its owner alone: no default, nothing in a log.
 * @returns the file's path where it was made now.
 */
export async function makeFirstUser(store: Store, folder: string): Promise<string | undefined> {
  if (await store.read('hasUsers', {})) return undefined;
  const password = generatePassword();
  const path = join(folder, 'first-login.json');
  // The file first: a crash in between leaves a password nobody needs, not a user nobody can be.
  await writeWhole(path, `${JSON.stringify({ name: firstUser, password })}\n`, 0o600);
  const passwordHash = await hashPassword(password);
  await store.change({
    steps: [
      step('addOrganisation', organisation),
      step('addUser', { name: firstUser, organisation: organisation.id, passwordHash }),
    ],
    audit: [],
  });
  return path;
}
