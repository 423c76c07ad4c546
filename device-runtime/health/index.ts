export { composeHealth } from './health.ts';
export { HealthReporter } from './reporter.ts';
