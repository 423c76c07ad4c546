import { type Profiler, Session } from 'node:inspector';

type Range = Profiler.CoverageRange;

/**
 * Which blocks of some scripts of this very process have been run, by V8's own precise coverage: it needs no
 * instrumentation, and so what is fuzzed are the sources as they are run.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #isOf: (url: string) => boolean;
  /** Blocks that V8 has ever told of, by their function: it leaves out those that were run as often as what is around them. */
  readonly #known = new Map<string, Map<string, Range>>();
  readonly #seen = new Set<string>();

  /** @param isOf whether a script is one of those that count, by its URL */
  constructor(isOf: (url: string) => boolean) {
    this.#isOf = isOf;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that have been run and noted at any time. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** Blocks run since this or `note` was last asked that are not noted. */
  fresh(): ReadonlySet<string> {
    const fresh = new Set<string>();
    for (const { scriptId, url, functions } of this.#taken()) {
      if (!this.#isOf(url)) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined) continue;
        for (const block of this.#blocksOf(`${scriptId}:${whole.startOffset}`, ranges)) {
          const name = `${scriptId}:${block.startOffset}-${block.endOffset}`;
          if (!this.#seen.has(name) && countOf(block, ranges) > 0) fresh.add(name);
        }
      }
    }
    return fresh;
  }

  /** Notes them, so that they are fresh no more; how many there were. */
  note(): number {
    const fresh = this.fresh();
    for (const block of fresh) this.#seen.add(block);
    return fresh.size;
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #blocksOf(name: string, ranges: readonly Range[]): Iterable<Range> {
    const known = this.#known.get(name) ?? new Map<string, Range>();
    this.#known.set(name, known);
    for (const range of ranges) known.set(`${range.startOffset}-${range.endOffset}`, range);
    return known.values();
  }

  #taken(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    // Of a session with the own thread the answer is there when the call returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      taken = result;
    });
    return taken;
  }
}

/** How often a block was run: as often as the innermost of the ranges that it lies in, which are told from the outside in. */
function countOf(block: Range, ranges: readonly Range[]): number {
  return (
    ranges.findLast(
      ({ startOffset, endOffset }) => startOffset <= block.startOffset && endOffset >= block.endOffset,
    )?.count ?? 0
  );
}
