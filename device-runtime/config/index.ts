export { ConfigError, type ConfigProblem, loadConfig, parseConfig } from './parse.ts';
export type { Config, PortConfig } from './schema.ts';
