export { CloudClient, type CloudClientOptions, CloudError } from './cloud-client.ts';
