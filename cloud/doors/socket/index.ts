export { SocketDoor, type SocketPorts } from './door.ts';
