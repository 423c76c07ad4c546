export { shareByProtocol } from './by-protocol.ts';
