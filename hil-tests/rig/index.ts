export { type Clock, realClock, SimulatedClock } from './clock.ts';
export { RigError, type RigErrorCode } from './errors.ts';
export { type UntilOptions, until } from './until.ts';
export { type ByteSink, type PortState, VirtualPort, type VirtualPortOptions } from './virtual-port.ts';
