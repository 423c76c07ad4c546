export { Doors } from './doors.ts';
export { connectLink, type Link, LinkRefused } from './link.ts';
export { connectSecure } from './secure.ts';
export { type Delivered, type Disconnect, Uplink } from './uplink.ts';
