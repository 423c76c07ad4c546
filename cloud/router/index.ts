export { Directory, type Gateway } from './directory.ts';
export { Live, type LiveSeries } from './live.ts';
export { type Delivery, type Receipt, Router } from './router.ts';
