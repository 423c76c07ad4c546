export { CommandRefused } from './commands.ts';
export { Downlink } from './downlink.ts';
export { clip } from './hostile.ts';
