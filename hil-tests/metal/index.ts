export {
  type HeardStation,
  type HeardTransmitter,
  type IdentifyOptions,
  identifyBaseStation,
} from './air.ts';
export { type MetalChoice, type MetalWords, readMetalChoice, type Unplugging } from './choice.ts';
export { type Description, GatewayConsole, type HeardTag } from './console.ts';
export { MetalError, type MetalErrorCode } from './errors.ts';
export { openMetalBench } from './open-metal.ts';
export { type Prepared, prepareMetal } from './prepare.ts';
export { bauds, type ModemLines, RealPort, type RealPortOptions } from './real-port.ts';
export { type Vouch, vouchFrom } from './vouch.ts';
export { type Crossing, type Loop, lookAtLoop, wrongWith } from './wiring.ts';
