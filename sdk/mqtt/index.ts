export { MqttLink, type MqttLinkOptions } from './mqtt-link.ts';
