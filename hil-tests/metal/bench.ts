// What `loadline hil --port` needs of this folder.
export { type MetalChoice, type MetalWords, readMetalChoice } from './choice.ts';
export { openMetalBench } from './open-metal.ts';
export { prepareMetal } from './prepare.ts';
export { tidyMetal } from './tidy.ts';
