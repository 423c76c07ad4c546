export { CommandRefused } from './commands.ts';
export { Downlink } from './downlink.ts';
