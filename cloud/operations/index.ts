export { gauges } from './gauges.ts';
export { OperationsListener } from './listener.ts';
export { measured } from './measured.ts';
export { Metrics } from './metrics.ts';
export { Readiness } from './readiness.ts';
export { stopper } from './stop.ts';
