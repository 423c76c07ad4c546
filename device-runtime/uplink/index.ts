export { type Backoff, backoffDelay } from './backoff.ts';
export { Doors } from './doors.ts';
export { connectLink, type Link, type LinkOptions } from './link.ts';
export type { ProxyConfig } from './proxy.ts';
export { connectSecure } from './secure.ts';
export { type Disconnect, Uplink } from './uplink.ts';
