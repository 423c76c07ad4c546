import type { SeededRandom } from '../rig/random.ts';
import { Coverage } from './coverage.ts';
import { oneOf } from './spoil.ts';

/** What inputs are made of, and played to. */
export interface Guided<Input> {
  /** Inputs that are in order, to begin with. */
  readonly seeds: readonly Input[];
  /** An input like this one, but not in order. `other` is there to take pieces from. */
  spoil(random: SeededRandom, input: Input, other: Input): Input;
  /** Carries out an input and judges what came of it; what it throws is a fault. */
  play(input: Input): void;
  bytesOf(input: Input): number;
}

export interface GuideOptions<Input> {
  readonly bytes: number;
  readonly random: SeededRandom;
  /** Which scripts are to be covered, by their URL. */
  readonly covers: (url: string) => boolean;
  readonly onFault: (input: Input, error: Error) => void;
  readonly say: (text: string) => void;
}

/** What the guide found. */
export interface Found<Input> {
  readonly bytes: number;
  readonly inputs: number;
  /** Inputs that ran a block that none before them had run; the seeds are the first of them. */
  readonly corpus: readonly Input[];
  /** Blocks run by the seeds alone, and by all. */
  readonly blocks: { readonly first: number; readonly all: number };
}

/** Inputs between two looks at the coverage, each of which costs some milliseconds. */
const atOnce = 64;
/** Faults after which no more is to be learnt. */
const mostFaults = 20;

/**
 * Plays so many bytes of spoilt inputs, guided by coverage: an input that ran a block for the first time is kept, and is
 * spoilt further. The look is at many inputs together; where they ran something new, each of them is played once more
 * on its own, and whoever comes with new blocks then is kept.
 */
export function guide<Input>(guided: Guided<Input>, options: GuideOptions<Input>): Found<Input> {
  const { random, covers, onFault, say } = options;
  const coverage = new Coverage(covers);
  const corpus = [...guided.seeds];
  let [bytes, inputs, faults, told] = [0, 0, 0, 0];
  const play = (input: Input) => {
    inputs += 1;
    bytes += guided.bytesOf(input);
    try {
      guided.play(input);
    } catch (error) {
      faults += 1;
      onFault(input, error as Error);
    }
  };
  try {
    for (const seed of guided.seeds) play(seed);
    coverage.note();
    const first = coverage.blocks;
    while (bytes < options.bytes && faults < mostFaults) {
      const drawn = Array.from({ length: atOnce }, () => {
        // What was found last has been spoilt least.
        const from = random.integer(0, 1) === 0 ? corpus.slice(-16) : corpus;
        return guided.spoil(random, oneOf(random, from), oneOf(random, corpus));
      });
      for (const input of drawn) play(input);
      if (coverage.fresh().size > 0) {
        for (const input of drawn) {
          play(input);
          if (coverage.note() > 0) corpus.push(input);
        }
      }
      if (bytes - told >= options.bytes / 10) {
        told = bytes;
        say(`${bytes} bytes, ${inputs} inputs, ${coverage.blocks} blocks, ${corpus.length} kept`);
      }
    }
    return { bytes, inputs, corpus, blocks: { first, all: coverage.blocks } };
  } finally {
    coverage.stop();
  }
}
