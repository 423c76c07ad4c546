export {
  ConfigError,
  type ConfigProblem,
  type LocalConfig,
  loadConfig,
  parseConfig,
  withDesired,
} from './parse.ts';
export { derivedPort } from './ports.ts';
export type { Config, DerivedConfig, PortConfig, SensorConfig } from './schema.ts';
