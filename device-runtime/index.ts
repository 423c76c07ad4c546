/** What programs around the gateway need of it: they start its bundle, they do not run inside it. */

export { bundlePath, packagingPath } from './bundle.ts';
export { type Config, ConfigError, type ConfigProblem, parseConfig } from './config/index.ts';
export type { Journal, Run } from './journal/index.ts';
