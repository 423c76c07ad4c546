import type { Operators, Organisations } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, namePlace, pageByKey, placeIn } from '../places.ts';
import { doneOf, isoTime, personOf } from './editing.ts';

/** The fleet: its organisations, and who operates it. */
export function fleetHandlers({
  organisations,
  operators,
}: {
  organisations: Organisations;
  operators: Operators;
}): Pick<
  Handlers,
  'listOrganisations' | 'createOrganisation' | 'listOperators' | 'createOperator' | 'deleteOperator'
> {
  return {
    async listOrganisations({ input: { query } }) {
      const after = placeIn(query.after, namePlace);
      const { items, more } = await organisations.list({ after, limit: query.limit });
      const last = items.at(-1);
      return {
        items: items.map((one) => ({ ...one, created: isoTime(one.created) })),
        next: more && last !== undefined ? cursorAt(last.name, last.id) : null,
      };
    },

    async createOrganisation({ input: { body }, caller, entry }) {
      return doneOf(await organisations.create({ person: personOf(caller), entry }, body));
    },

    async listOperators({ input: { query } }) {
      return pageByKey(await operators.list(), query, ({ email }) => email);
    },

    async createOperator({ input: { body }, caller, entry }) {
      return doneOf(await operators.create({ person: personOf(caller), entry }, body));
    },

    async deleteOperator({ input, caller, entry }) {
      return doneOf(await operators.remove({ person: personOf(caller), entry }, input.user));
    },
  };
}
