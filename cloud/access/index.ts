export { type Decision, may, type Organisation, type Principal, type Resource } from './may.ts';
export { type Scope, scopes } from './scopes.ts';
