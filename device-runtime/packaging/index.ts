export { destinations } from './destinations.ts';
