import type { MetalChoice, MetalWords } from '../metal/bench.ts';
import type { Bench, BenchOptions } from '../scenario/index.ts';
import { VirtualBench } from '../scenario/virtual-bench.ts';

/** Which bench scenarios are played on. */
export type BenchChoice =
  | { readonly kind: 'virtual' }
  /** Real ports, looked at already. */
  | { readonly kind: 'metal'; readonly metal: MetalChoice };

/** Real ports, as a command line names them. */
export type { MetalWords };

/** Brings serial ports with it, which a virtual bench does without. */
const metalParts = () => import('../metal/bench.ts');

/**
 * Looks at real ports before anything is played on them.
 *
 * @param say hears what was found there, in words
 * @throws MetalError that says what is wrong, and what to do about it; its code is `option` where the words make no sense
 */
export async function chooseMetal(words: MetalWords, say: (line: string) => void): Promise<BenchChoice> {
  const { prepareMetal, readMetalChoice } = await metalParts();
  const { choice, found } = await prepareMetal(readMetalChoice(words));
  for (const line of found) say(line);
  return { kind: 'metal', metal: choice };
}

/** Opens the bench that was chosen. */
export async function openBench(choice: BenchChoice, options: BenchOptions): Promise<Bench> {
  switch (choice.kind) {
    case 'virtual':
      return new VirtualBench(options);
    case 'metal':
      return (await metalParts()).openMetalBench(choice.metal, options);
  }
}

/** Leaves what is not a scenario's own as it was found: to be called when its process has ended, however it ended. */
export async function tidyBench(choice: BenchChoice): Promise<void> {
  if (choice.kind === 'metal') await (await metalParts()).tidyMetal(choice.metal);
}
