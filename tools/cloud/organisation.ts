import type { CloudClient } from '@loadline/sdk/client';
import { CalledWrongly } from './outcome.ts';
import { askChoice, canAsk } from './prompts.ts';

/** The organisation that a command is for: the one that is said, the only one there is, or the one that is chosen. */
export async function organisationOf(cloud: CloudClient, said: string | undefined): Promise<string> {
  if (said !== undefined) return said;
  const caller = await cloud.getCaller();
  const standings = caller.kind === 'token' ? [caller.standing] : caller.standings;
  const all = standings.map(({ organisation }) => organisation);
  const [only] = all;
  if (only === undefined) throw new CalledWrongly('you are in no organisation: --organisation says which');
  if (all.length === 1) return only.id;
  if (canAsk()) {
    return await askChoice(
      'Which organisation?',
      all.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` })),
    );
  }
  const ids = all.map(({ id }) => id).join(', ');
  throw new CalledWrongly(`you are in several organisations: --organisation says which, ${ids}`);
}
