export { type HilOptions, hil, listScenarios, UsageError } from './hil.ts';
export type { BenchChoice } from './open-bench.ts';
export { usualArtefacts } from './usual.ts';
