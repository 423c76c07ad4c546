export { CommandRefused, type Executors } from './commands.ts';
export type { Check } from './desired.ts';
export { Downlink, type DownlinkOptions } from './downlink.ts';
