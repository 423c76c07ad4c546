export { awakeMilliseconds } from './awake.ts';
export {
  CloudProcess,
  type CloudProcessOptions,
  freeSocketPorts,
  type SocketPorts,
  startCloudService,
} from './cloud-process.ts';
export { type GatewayConfig, prepareGateway, type Sections, startGateway } from './gateway-process.ts';
export { type LogLine, Service, type ServiceEnd, type ServiceOptions } from './service.ts';
