import type { OperationId } from '@loadline/sdk/api';
import type { ListId, OrganisationClient } from '@loadline/sdk/client';
import { CalledWrongly } from './outcome.ts';

/** What people call things by name, and the API by id: the list it stands in, and the words it answers to. */
interface Reference {
  readonly list: ListId & OperationId;
  readonly what: string;
  readonly says: readonly string[];
}

const user: Reference = { list: 'listUsers', what: 'person', says: ['email', 'name'] };
const department: Reference = { list: 'listDepartments', what: 'department', says: ['name'] };

const references: Readonly<Record<string, Reference>> = {
  user,
  creator: user,
  department,
  departments: department,
  customer: { list: 'listCustomers', what: 'customer', says: ['name'] },
  token: { list: 'listTokens', what: 'token', says: ['name'] },
  application: { list: 'listApplications', what: 'application', says: ['name'] },
  key: { list: 'listApplicationKeys', what: 'key', says: ['name'] },
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Parameters of the path that lists are below of. */
type Above = Readonly<Record<string, string>>;

/**
 * The id of what somebody called by a word, in a parameter or field of this name: ids stay as they are, names are looked
 * up. @throws CalledWrongly where nothing, or more than one thing, is called that
 */
export async function idOf(
  name: string,
  word: string,
  organisation: OrganisationClient,
  above: Above = {},
): Promise<string> {
  const reference = references[name];
  if (reference === undefined || uuid.test(word) || word === 'none') return word;
  const { list, what, says } = reference;
  const found: string[] = [];
  const items = organisation.each(list as never, above as never) as AsyncIterable<Record<string, unknown>>;
  for await (const item of items) {
    if (item.id === word) return word;
    if (says.some((one) => item[one] === word)) found.push(String(item.id));
  }
  const [only] = found;
  if (only === undefined) throw new CalledWrongly(`there is no ${what} ${word}`);
  if (found.length > 1) {
    throw new CalledWrongly(`several are called ${word}: say which by its id, ${found.join(' or ')}`);
  }
  return only;
}

/** What may be left unnamed where there is one alone: the item of a list that is like this. */
export interface Sole {
  readonly list: ListId & OperationId;
  readonly what: string;
  readonly where: (item: Readonly<Record<string, unknown>>) => boolean;
}

/** The id of that one. @throws CalledWrongly where there is none, or more than one */
export async function soleOf(
  { list, what, where }: Sole,
  organisation: OrganisationClient,
  above: Above,
): Promise<string> {
  const found: string[] = [];
  const items = organisation.each(list as never, above as never) as AsyncIterable<Record<string, unknown>>;
  for await (const item of items) if (where(item)) found.push(String(item.id));
  const [only] = found;
  if (only === undefined) throw new CalledWrongly(`there is no ${what}`);
  if (found.length > 1) throw new CalledWrongly(`there is more than one ${what}: name ${found.join(' or ')}`);
  return only;
}

/** A value of a field, with names in it made ids. */
export async function withIds(
  name: string,
  value: unknown,
  organisation: OrganisationClient,
): Promise<unknown> {
  if (typeof value === 'string') return await idOf(name, value, organisation);
  if (Array.isArray(value) && references[name] !== undefined) {
    return await Promise.all(value.map((one) => idOf(name, String(one), organisation)));
  }
  return value;
}
