import { limits } from '../contract/index.ts';

/** A reading of a series that its device calls by name. */
export interface NamedReading {
  /** See `isSeriesName`. */
  readonly name: string;
  /** Whole milliseconds since 1970; undefined where the device says none: the time of arrival stands for it. */
  readonly time: number | undefined;
  /**
   * Where it says no time: whole milliseconds between its arrival and it, below 0 for one of before. Missing: 0. A body that
   * says only this is another delivery each time it comes.
   */
  readonly sinceArrival?: number;
  readonly value:
    | { readonly type: 'float64' | 'uint8'; readonly value: number }
    | { readonly type: 'string'; readonly value: string }
    | { readonly type: 'binary'; readonly value: Uint8Array };
  /** As SenML names units; undefined where none is said. */
  readonly unit: string | undefined;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9:./_-]*$/;

/** Whether a series may be called that: SenML's characters (RFC 8428, section 4.5.1), at most limits.seriesNameLength. */
export function isSeriesName(name: string): boolean {
  return name.length <= limits.seriesNameLength && namePattern.test(name);
}
