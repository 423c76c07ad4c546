export { DiskJournal } from './disk-journal.ts';
export { heldReadings } from './held-readings.ts';
export type { Journal, Run, Sent } from './journal.ts';
