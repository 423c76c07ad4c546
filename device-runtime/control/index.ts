export { askStatus, followReadings } from './client.ts';
export { LocalControl } from './local-control.ts';
export type { GatewayFacts, GatewayStatus, ShownReading } from './protocol.ts';
export { ControlError } from './socket-path.ts';
export { statusCommand } from './status.ts';
