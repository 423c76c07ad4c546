export { FencedDoors } from './door.ts';
