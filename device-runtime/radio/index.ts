export { byIdLinkOf } from './candidates.ts';
export type { RadioEvent } from './complaints.ts';
export { adviceOn, findHolders, type Holder } from './holders.ts';
export { watchLife } from './life.ts';
export { Radio, type RadioOptions } from './radio.ts';
export { serialOpener } from './serial.ts';
export type { Transmit, TransmitResult } from './transmission.ts';
