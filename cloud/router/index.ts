export { type Device, Directory, resourceOf, seriesCalled } from './directory.ts';
export { Live, type LiveEvent, type LiveSeries } from './live.ts';
export { Owed } from './owed.ts';
export { type Delivery, type Receipt, Router } from './router.ts';
