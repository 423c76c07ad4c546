import type { Parts } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, namePlace, placeIn } from '../places.ts';
import { Problem } from '../problem.ts';
import { doneOf, editorOf } from './editing.ts';

/** Departments: what people and devices are assigned to. */
export function departmentHandlers({
  departments,
}: {
  departments: Parts;
}): Pick<
  Handlers,
  'listDepartments' | 'createDepartment' | 'getDepartment' | 'patchDepartment' | 'deleteDepartment'
> {
  return {
    async listDepartments({ input: { query }, standing }) {
      const after = placeIn(query.after, namePlace);
      const { items, more } = await departments.list(standing, { after, limit: query.limit });
      const last = items.at(-1);
      return { items, next: more && last !== undefined ? cursorAt(last.name, last.id) : null };
    },

    async createDepartment(call) {
      return doneOf(await departments.create(editorOf(call), call.input.body.name));
    },

    async getDepartment({ input, standing }) {
      const department = await departments.one(standing, input.department);
      if (department === undefined) throw new Problem(404, 'not-found', 'there is no such department');
      return department;
    },

    async patchDepartment(call) {
      const { department, body } = call.input;
      return doneOf(await departments.rename(editorOf(call), department, body.name));
    },

    async deleteDepartment(call) {
      return doneOf(await departments.remove(editorOf(call), call.input.department));
    },
  };
}
