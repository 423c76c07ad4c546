import type { Bench, BenchOptions } from '../scenario/index.ts';
import type { MetalChoice } from './choice.ts';
import { ConsoleBench } from './console-bench.ts';
import { SiteBench } from './site-bench.ts';

/** Opens the bench of what was chosen, and looked at by `prepareMetal`. */
export function openMetalBench(choice: MetalChoice, options: BenchOptions): Bench {
  return choice.kind === 'console' ? new ConsoleBench(choice, options) : new SiteBench(choice, options);
}
