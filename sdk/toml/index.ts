export {
  ConfigError,
  type ConfigProblem,
  checkTable,
  type KeyIssue,
  keyName,
  parseToml,
  type TomlDocument,
} from './read.ts';
export { distinct, flag, number, optionalTable, path, seconds, table, text, whole } from './values.ts';
export { tomlText } from './write.ts';
