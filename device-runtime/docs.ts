/** For whoever writes the project's docs: every key of the configuration as a table. */
export { configurationTable } from './config/table.ts';
