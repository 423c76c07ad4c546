export { RadioPort } from './port.ts';
