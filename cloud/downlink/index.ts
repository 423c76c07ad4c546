export { Downlink, type DownNews } from './downlink.ts';
