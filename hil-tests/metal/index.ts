export {
  type HeardStation,
  type HeardTransmitter,
  type IdentifyOptions,
  identifyBaseStation,
} from './air.ts';
export { MetalError, type MetalErrorCode } from './errors.ts';
export { bauds, type ModemLines, RealPort, type RealPortOptions } from './real-port.ts';
export { type Crossing, type Loop, lookAtLoop, wrongWith } from './wiring.ts';
