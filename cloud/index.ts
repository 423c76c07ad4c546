export { takeKeySources } from './at-rest/index.ts';
export { type Cloud, type CloudOptions, startCloud } from './cloud.ts';
export { stateCommand, stateCommandWords } from './commands.ts';
export { readDeliveries, readReadings } from './state-folder.ts';
export type { ArchivedDelivery, ArchivedReading } from './store/index.ts';

/** The program `loadline-cloud`, for those who start it as a process of its own. */
export const cloudProgram = new URL(
  import.meta.url.endsWith('.ts') ? './main.ts' : './main.js',
  import.meta.url,
);
