export { CommandRefused, type Executors } from './commands.ts';
export { Downlink } from './downlink.ts';
