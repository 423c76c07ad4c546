export { Flasher } from './flasher.ts';
