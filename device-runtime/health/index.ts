export { composeHealth, type HealthSources, processFigures } from './health.ts';
export type { Look, Verdict } from './judge.ts';
export { HealthReporter } from './reporter.ts';
export { type ServiceManager, serviceManager } from './service-manager.ts';
export { Watchdog } from './watchdog.ts';
export { forgetWedge, readWedge } from './wedge-note.ts';
