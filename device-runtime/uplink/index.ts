export { type Backoff, backoffDelay } from './backoff.ts';
export { connectLink } from './link.ts';
export { Uplink } from './uplink.ts';
