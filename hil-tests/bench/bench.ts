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
}

/** Figures that are held against others, and whether more of one is better, or less. */
export type Watched = Readonly<Record<string, 'more' | 'less'>>;

/** A row of a comparison: `name` is the case, which others were measured in too. */
export interface ComparedRow extends BenchRow {
  /** Who was measured, with its version. */
  by: string;
}

/** Loadline beside what a user would take instead: the same work, on one machine, in one run. */
export interface Comparison {
  readonly watched: Watched;
  /** Case by case; in each, Loadline's own row comes first. */
  readonly rows: readonly ComparedRow[];
  /** Who could not be run here: one line each that says why. */
  readonly missing: readonly string[];
}

export interface Bench {
  readonly watched: Watched;
  /** Runs for some seconds or minutes and gives its figures; throws where a figure would mean nothing. */
  run(options: BenchOptions): Promise<readonly BenchRow[]>;
  /** Where there is something to compare with. */
  compare?(): Promise<Comparison>;
}
