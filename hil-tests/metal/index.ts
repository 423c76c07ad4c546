export { type MetalChoice, type MetalWords, readMetalChoice } from './choice.ts';
export { MetalError, type MetalErrorCode } from './errors.ts';
export { openMetalBench } from './open-metal.ts';
export { type Prepared, prepareMetal } from './prepare.ts';
