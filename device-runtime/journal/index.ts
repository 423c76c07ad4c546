export type { Journal, Run } from './journal.ts';
export { MemoryJournal } from './memory.ts';
