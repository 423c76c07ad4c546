/** One line of a bench's table: what was measured, and the figures, each named with its unit (`framesPerSecond`). */
export interface BenchRow {
  name: string;
  [figure: string]: string | number;
}

export interface BenchOptions {
  /** How long a stretch is measured. Default: the bench's own. */
  readonly seconds?: number;
  /** How many are open at a time. Default: the bench's own. */
  readonly connections?: number;
  /** Beside it, on the same terms, what a user would put together instead. */
  readonly compare?: boolean;
}

/** Runs for some seconds or minutes and gives its figures. */
export type Bench = (options: BenchOptions) => Promise<readonly BenchRow[]>;
