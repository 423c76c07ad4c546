import type { Scope } from '@loadline/sdk/api';

/** A view of the administration: for those who may do what opens it. */
export interface ViewEntry {
  readonly id: string;
  readonly title: string;
  readonly opens: Scope;
}

/** What there is to administrate in an organisation, in the order of the menu. */
export const organisationViews = [
  { id: 'people', title: 'People', opens: 'users.get' },
  { id: 'devices', title: 'Devices', opens: 'devices.get' },
  { id: 'departments', title: 'Departments', opens: 'departments.get' },
  { id: 'customers', title: 'Customers', opens: 'customers.get' },
  { id: 'roles', title: 'Roles', opens: 'roles.get' },
  { id: 'tokens', title: 'API tokens', opens: 'tokens.get' },
  { id: 'applications', title: 'Applications', opens: 'applications.get' },
  { id: 'policies', title: 'Policies', opens: 'organisation.patch' },
  { id: 'grants', title: 'Grants', opens: 'grants.get' },
  { id: 'usage', title: 'Usage', opens: 'usage.get' },
  { id: 'audit', title: 'Audit log', opens: 'audit.get' },
  { id: 'blocks', title: 'Blocks', opens: 'blocks.get' },
] as const satisfies readonly ViewEntry[];

/** What there is to administrate above organisations. */
export const fleetViews = [
  { id: 'organisations', title: 'Organisations', opens: 'organisations.get' },
  { id: 'operators', title: 'Operators', opens: 'operators.get' },
  { id: 'releases', title: 'Releases', opens: 'rollouts.get' },
  { id: 'usage', title: 'Usage', opens: 'fleet-usage.get' },
  { id: 'audit', title: 'Audit log', opens: 'fleet-audit.get' },
  { id: 'blocks', title: 'Blocks', opens: 'fleet-blocks.get' },
] as const satisfies readonly ViewEntry[];

export type OrganisationView = (typeof organisationViews)[number]['id'];
export type FleetView = (typeof fleetViews)[number]['id'];

/** Those views that somebody with these scopes may open. */
export function openTo<Entry extends ViewEntry>(
  views: readonly Entry[],
  scopes: readonly string[],
): readonly Entry[] {
  return views.filter(({ opens }) => scopes.includes(opens));
}
