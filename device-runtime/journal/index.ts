export { DiskJournal } from './disk-journal.ts';
export type { Journal, Run } from './journal.ts';
