export { Directory, type Gateway } from './directory.ts';
export { Live } from './live.ts';
export { Router } from './router.ts';
