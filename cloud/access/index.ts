export { may, type Organisation, type Principal, type Resource } from './may.ts';
export type { Scope } from './scopes.ts';
