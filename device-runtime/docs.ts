/** For whoever writes the project's docs: every key of the configuration as a table, and of other TOML files. */
export { configurationTable, keysTable } from './config/table.ts';
