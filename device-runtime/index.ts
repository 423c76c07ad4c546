/** What programs around the gateway need of it: they start its bundle, or ask the one that runs. */

export { bundlePath, launcherPath, leanStart, packagingPath } from './bundle.ts';
export {
  type Config,
  ConfigError,
  type ConfigProblem,
  type LocalConfig,
  loadConfig,
  parseConfig,
  siteGoesTogether,
  siteTables,
  withDesired,
} from './config/index.ts';
export { statusCommand } from './control/index.ts';
export { doctorCommand } from './doctor/index.ts';
export { DiskJournal, type Journal, type Run } from './journal/index.ts';
export { adviceOn, findHolders, watchLife } from './radio/index.ts';
