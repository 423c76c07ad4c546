/** One line of a bench's table: what was measured, and the figures, each named with its unit (`framesPerSecond`). */
export interface BenchRow {
  name: string;
  [figure: string]: string | number;
}

/** Runs for some seconds and gives its figures. */
export type Bench = () => Promise<readonly BenchRow[]>;
