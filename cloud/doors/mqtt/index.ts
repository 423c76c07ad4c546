export { MqttDoor, type MqttDoorOptions } from './door.ts';
