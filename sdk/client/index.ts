export { CloudClient, type CloudClientOptions, tagOf } from './cloud-client.ts';
export * from './device/index.ts';
export { CloudError, UnreachableError } from './errors.ts';
export type { CallOptions, ItemOf, ListId, OrganisationClient } from './methods.ts';
