export { type Clock, systemClock } from './clock.ts';
export { type FloorOptions, readFloors, touchedAt, writeFloor } from './floor.ts';
export type { Time } from './time.ts';
export { Timekeeper, type TimekeeperOptions, tickMilliseconds } from './timekeeper.ts';
