export { DiskJournal, type JournalEvent, type JournalOptions } from './disk-journal.ts';
export type { Journal, JournalDisk, Run } from './journal.ts';
export { JournalInUse } from './lock.ts';
