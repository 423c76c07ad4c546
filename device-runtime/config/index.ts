export { ConfigError, type ConfigProblem } from '@loadline/sdk/toml';
export { type LocalConfig, loadConfig, parseConfig, withDesired } from './parse.ts';
export { derivedPort } from './ports.ts';
export type { Config, DerivedConfig, PortConfig, SensorConfig } from './schema.ts';
export { siteGoesTogether, siteTables } from './site.ts';
export { parseWindow, type Window } from './window.ts';
