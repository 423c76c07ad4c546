export { CommandRefused } from './commands.ts';
export { Downlink } from './downlink.ts';
export { clip, readJson, Trickle } from './hostile.ts';
export { keptFile, StateFile } from './state-file.ts';
