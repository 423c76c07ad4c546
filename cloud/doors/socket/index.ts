export { SocketDoor, type SocketDoorOptions, type SocketPorts } from './door.ts';
