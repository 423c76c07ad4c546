export { DeviceClient, type DeviceStanding, type Flushed } from './device-client.ts';
export {
  type Delivered,
  type DeviceEvent,
  type Dropped,
  QueueError,
  type Rejected,
  UndeliveredError,
  type Waiting,
  type WaitingFor,
} from './events.ts';
export type {
  DeviceClientOptions,
  DeviceKey,
  HttpsOptions,
  MqttOptions,
  QueueOptions,
  RetryTimes,
  SeriesOf,
  SeriesValue,
  SocketOptions,
  TransportOptions,
} from './options.ts';
