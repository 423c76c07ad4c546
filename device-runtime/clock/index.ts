export { type Clock, systemClock } from './clock.ts';
export { readFloors, touchedAt, writeFloor } from './floor.ts';
export type { Time } from './time.ts';
export { Timekeeper, tickMilliseconds } from './timekeeper.ts';
