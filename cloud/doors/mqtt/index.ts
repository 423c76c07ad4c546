export { MqttDoor } from './door.ts';
