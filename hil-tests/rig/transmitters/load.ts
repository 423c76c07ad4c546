import { inRange, RigError } from '../errors.ts';
import { Wandering } from '../random.ts';
import { bridgeMilliamps, electronicsMilliamps, float32 } from './model.ts';
import { type TransmitterOptions, VirtualModule } from './module.ts';

/** Options of a simulated load transmitter. */
export interface LoadOptions extends TransmitterOptions {
  /** Loads that are put on in turn, in the unit of the cell. Default: 0, 2.5, 5, 1.2 (tonnes, say). */
  readonly steps?: readonly number[];
  /** Milliseconds a load stays on, on average. Default: 20000. */
  readonly dwellMs?: number;
  /** Standard deviation of the noise, in the same unit. Default: 0.002. */
  readonly noise?: number;
  /** How far the zero wanders within hours, as a standard deviation in the same unit. Default: 0.001. */
  readonly zeroDrift?: number;
  /** How much a load that has just been put on swings, as a share of its change, 0..1. Default: 0.05. */
  readonly swing?: number;
}

/** The rope swings in: a new load is 63 % there after this long. */
const LOAD_SETTLING_MS = 600;
/** What hangs on the rope swings with this period, and 63 % less after so long. */
const SWING_PERIOD_MS = 2800;
const SWING_DECAY_MS = 2500;

/**
 * A simulated load cell (T24-SA): loads put on and taken off, settling and swinging after each, with noise and a zero
 * that drifts. `tag` carries float32.
 */
export function loadTransmitter(options: LoadOptions): VirtualModule {
  const { steps = [0, 2.5, 5, 1.2] } = options;
  const dwellMs = inRange('dwellMs', options.dwellMs ?? 20_000, 1, 86_400_000);
  const noise = inRange('noise', options.noise ?? 0.002, 0, Number.MAX_VALUE);
  const zeroDrift = inRange('zeroDrift', options.zeroDrift ?? 0.001, 0, Number.MAX_VALUE);
  const swing = inRange('swing', options.swing ?? 0.05, 0, 1);
  if (steps.length === 0) throw new RigError('option', 'steps is empty; a load transmitter needs one load');
  const milliamps = electronicsMilliamps + bridgeMilliamps;
  const type = { what: 'load transmitter', model: 'T24-SA', tagCount: 1, milliamps };
  return new VirtualModule(type, options, (random) => {
    const zero = new Wandering(random, 0, zeroDrift, 60 * 60_000);
    let step = 0;
    let left = dwellMs;
    let load = steps[0] as number;
    let changedBy = 0;
    let sinceChange = 0;
    let shown = load;
    return {
      age(milliseconds) {
        left -= milliseconds;
        sinceChange += milliseconds;
        if (left <= 0) {
          const before = steps[step] as number;
          step = (step + 1) % steps.length;
          changedBy = (steps[step] as number) - before;
          sinceChange = 0;
          // Between half and one and a half times the dwell: nobody loads by the clock.
          left = dwellMs * (0.5 + random.uniform());
        }
        const target = steps[step] as number;
        load = target + (load - target) * Math.exp(-milliseconds / LOAD_SETTLING_MS);
        const swung = swing * changedBy * Math.exp(-sinceChange / SWING_DECAY_MS);
        const phase = Math.sin((2 * Math.PI * sinceChange) / SWING_PERIOD_MS);
        shown = load + swung * phase + zero.step(milliseconds) + noise * random.normal();
      },
      read: () => [float32(shown)],
    };
  });
}
