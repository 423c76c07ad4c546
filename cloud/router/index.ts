export { Directory, type Gateway, resourceOf } from './directory.ts';
export { Live, type LiveEvent, type LiveSeries } from './live.ts';
export { Router } from './router.ts';
