export { Arrivals } from './arrivals.ts';
export { Bucket } from './bucket.ts';
export { loadLimits } from './config.ts';
export type { Limited } from './gauge.ts';
export { limitedDetail, rateLimitHeaders } from './headers.ts';
export type { Meter } from './meter.ts';
export { Metering } from './metering.ts';
export { beyond, type FleetLimits, usualLimits } from './settings.ts';
