export { DiskJournal } from './disk-journal.ts';
export type { Journal, Run, Sent } from './journal.ts';
