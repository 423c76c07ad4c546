import type { Bench, BenchOptions } from '../scenario/index.ts';
import { VirtualBench } from '../scenario/virtual-bench.ts';

/** Which bench scenarios are played on. */
export type BenchChoice = { readonly kind: 'virtual' };

/** Opens the bench that was chosen. */
export async function openBench(choice: BenchChoice, options: BenchOptions): Promise<Bench> {
  switch (choice.kind) {
    case 'virtual':
      return new VirtualBench(options);
  }
}
