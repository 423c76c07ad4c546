import type { BindingLedger } from '../bind/index.ts';

/** What became of the readings that were bound, and what was made besides: `taken = readings + withheld`, always. */
export interface SensorLedger {
  /** Frames given out as readings. */
  readonly readings: number;
  /** Frames that a send policy withheld. What it holds back is among them until it is given out. */
  readonly withheld: number;
  /** Readings given out that are no frames: of windows, and derived ones. */
  readonly computed: number;
}

/** The gateway's ledger of frames as `health` carries it: `frames = readings + copies + suppressed + other`. */
export function frameLedger(binding: BindingLedger, sensors: SensorLedger) {
  const { frames, copies, suppressed, other } = binding;
  const { readings, withheld, computed } = sensors;
  return { frames, readings, copies, suppressed: suppressed + withheld, withheld, other, computed };
}
