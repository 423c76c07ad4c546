export { type ArchivedDelivery, archivedDeliveries } from './archive.ts';
export { type DatabaseOptions, takeFolder } from './database.ts';
export type { CommandRow, DesiredRow } from './downlink-reads.ts';
export type { EventPlace, EventRow } from './event-reads.ts';
export type { GatewayRow } from './reads.ts';
export { eachFresh, type PlacedReading, type SeriesState } from './series-index.ts';
export { Store } from './store.ts';
export { type Timeline, wallTime } from './timeline.ts';
export type { DeliveryOutcome } from './writes.ts';
