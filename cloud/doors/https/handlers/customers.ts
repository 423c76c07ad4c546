import type { Parts } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, namePlace, placeIn } from '../places.ts';
import { Problem } from '../problem.ts';
import { doneOf, editorOf } from './editing.ts';

/** Customers: devices are theirs, and their logins see those only. */
export function customerHandlers({
  customers,
}: {
  customers: Parts;
}): Pick<Handlers, 'listCustomers' | 'createCustomer' | 'getCustomer' | 'patchCustomer' | 'deleteCustomer'> {
  return {
    async listCustomers({ input: { query }, standing }) {
      const after = placeIn(query.after, namePlace);
      const { items, more } = await customers.list(standing, { after, limit: query.limit });
      const last = items.at(-1);
      return { items, next: more && last !== undefined ? cursorAt(last.name, last.id) : null };
    },

    async createCustomer(call) {
      return doneOf(await customers.create(editorOf(call), call.input.body.name));
    },

    async getCustomer({ input, standing }) {
      const customer = await customers.one(standing, input.customer);
      if (customer === undefined) throw new Problem(404, 'not-found', 'there is no such customer');
      return customer;
    },

    async patchCustomer(call) {
      const { customer, body } = call.input;
      return doneOf(await customers.rename(editorOf(call), customer, body.name));
    },

    async deleteCustomer(call) {
      return doneOf(await customers.remove(editorOf(call), call.input.customer));
    },
  };
}
