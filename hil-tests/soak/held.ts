import { type Flatness, flatness } from './flatness.ts';
import type { Sample } from './samples.ts';

/** How a program held out: what it took when it began, at most and at the end, and whether that stayed as it is. */
export interface Held {
  /** Resident, MiB. */
  readonly memory: Figures;
  readonly descriptors: Figures;
}

export interface Figures {
  readonly first: number;
  readonly most: number;
  readonly last: number;
  /** Undefined of a run that is too short to tell. */
  readonly flatness: Flatness | undefined;
}

/** Both programs. */
export interface Programs {
  readonly gateway: Held;
  /** Besides, what of its memory is in use. */
  readonly cloud: Held & { readonly inUse: Figures };
}

/**
 * What may be more at the end of the part that is judged than at its beginning: MiB, and descriptors. What the cloud has
 * resident is told and not judged: V8 lets garbage lie while there is memory, the longer the less processor it gets. What it
 * has in use is judged instead; the gateway is started so that little lies (`leanStart`).
 */
const memoryLimit = 10;
const descriptorLimit = 4;

/** What both programs took. */
export function programs(samples: readonly Sample[]): Programs {
  return {
    gateway: heldBy(samples, ({ gateway }) => gateway),
    cloud: {
      ...heldBy(samples, ({ cloud }) => cloud),
      inUse: figuresOf(samples, ({ inUse }) => inUse, memoryLimit),
    },
  };
}

function heldBy(samples: readonly Sample[], of: (sample: Sample) => Sample['gateway']): Held {
  return {
    memory: figuresOf(samples, (sample) => of(sample).memory, memoryLimit),
    descriptors: figuresOf(samples, (sample) => of(sample).descriptors, descriptorLimit),
  };
}

/** The same of one thing measured. */
function figuresOf(samples: readonly Sample[], of: (sample: Sample) => number, limit: number): Figures {
  const series = samples.map((sample) => ({ seconds: sample.seconds, value: of(sample) }));
  const values = series.map(({ value }) => value);
  return {
    first: values[0] ?? Number.NaN,
    most: Math.max(...values),
    last: values.at(-1) ?? Number.NaN,
    flatness: flatness(series, limit),
  };
}

/** What grew that should not have. */
export function growth({ gateway, cloud }: Programs): string[] {
  const judged = {
    'memory of the gateway': gateway.memory,
    'descriptors of the gateway': gateway.descriptors,
    'memory that the cloud has in use': cloud.inUse,
    'descriptors of the cloud': cloud.descriptors,
  };
  return Object.entries(judged).flatMap(([what, { flatness: found }]) =>
    found === undefined || found.isFlat
      ? []
      : [`${what}: it grew by ${found.growth.toFixed(1)} after it had warmed up`],
  );
}
