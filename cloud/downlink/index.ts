export { type CommandState, Downlink, type DownNews } from './downlink.ts';
