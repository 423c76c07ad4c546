export { type DoorName, Metrics } from './metrics.ts';
