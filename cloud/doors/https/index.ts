export { HttpsDoor } from './door.ts';
