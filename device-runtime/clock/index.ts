export { anchorDue, anchorNow } from './anchors.ts';
export { type Clock, systemClock } from './clock.ts';
