export { composeHealth, processFigures } from './health.ts';
export { type Look, type Verdict, verdictLine } from './judge.ts';
export { HealthReporter } from './reporter.ts';
export { serviceManager } from './service-manager.ts';
export { Watchdog } from './watchdog.ts';
export { forgetWedge, readWedge } from './wedge-note.ts';
