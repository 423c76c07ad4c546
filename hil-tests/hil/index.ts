export { type HilOptions, hil, listScenarios, UsageError } from './hil.ts';
export { type BenchChoice, chooseMetal, type MetalWords } from './open-bench.ts';
export { usualArtefacts } from './usual.ts';
