export { Directory, type Gateway, resourceOf } from './directory.ts';
export { Live } from './live.ts';
export { Router } from './router.ts';
