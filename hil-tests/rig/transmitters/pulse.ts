import { inRange } from '../errors.ts';
import { Wandering } from '../random.ts';
import { electronicsMilliamps, float32 } from './model.ts';
import { type TransmitterOptions, VirtualModule } from './module.ts';

/** Options of a simulated pulse transmitter. */
export interface PulseOptions extends TransmitterOptions {
  /**
   * What it makes of the pulses: their frequency in Hz, revolutions a minute, the seconds between two, or their
   * number since it was switched on. Default: `counter`.
   */
  readonly output?: 'frequency' | 'rpm' | 'interval' | 'counter';
  /** Pulses a second while there is flow, 0.001..10000. Default: 8. */
  readonly hertz?: number;
  /** How far that wanders about, as a standard deviation and a share of it, 0..1. Default: 0.1. */
  readonly unsteadiness?: number;
  /** Pulses of one revolution, 1..100. Default: 1. */
  readonly pulsesPerRevolution?: number;
  /** Milliseconds of flow and of standstill in turn, on average each. Default: it always flows. */
  readonly flow?: { readonly onMs: number; readonly offMs: number };
  /** What the counter shows at first. Default: 0. */
  readonly count?: number;
}

/** Sets the counter to 0: a command of this type of module alone (T24 Technical Manual, T24-PA). */
const resetCounter = 64;
/** A flow changes within some seconds. */
const FLOW_CORRELATION_MS = 5000;

/**
 * A simulated pulse transmitter (T24-PA) at a flow meter or a shaft. `tag` carries float32, so a counter beyond
 * 16,777,216 goes on by twos, as on the real one. It counts nothing while it sleeps.
 */
export function pulseTransmitter(options: PulseOptions): VirtualModule {
  const { output = 'counter', flow } = options;
  const hertz = inRange('hertz', options.hertz ?? 8, 0.001, 10_000);
  const deviation = hertz * inRange('unsteadiness', options.unsteadiness ?? 0.1, 0, 1);
  const perRevolution = inRange('pulsesPerRevolution', options.pulsesPerRevolution ?? 1, 1, 100);
  const atFirst = inRange('count', options.count ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const onMs = inRange('flow.onMs', flow?.onMs ?? 1, 1, 86_400_000);
  const offMs = inRange('flow.offMs', flow?.offMs ?? 1, 1, 86_400_000);
  const milliamps = electronicsMilliamps;
  const type = { what: 'pulse transmitter', model: 'T24-PA', tagCount: 1, milliamps };
  return new VirtualModule(type, options, (random) => {
    const wandering = new Wandering(random, hertz, deviation, FLOW_CORRELATION_MS);
    let isFlowing = true;
    let untilChange = flow === undefined ? Number.POSITIVE_INFINITY : random.exponential(onMs);
    let count = atFirst;
    /** Share of the way to the next pulse. */
    let part = random.uniform();
    let frequency = hertz;
    /** Milliseconds since the last pulse that it noticed. */
    let quiet = 0;
    return {
      age(milliseconds, sensing) {
        untilChange -= milliseconds;
        if (untilChange <= 0) {
          isFlowing = !isFlowing;
          untilChange = random.exponential(isFlowing ? onMs : offMs);
        }
        frequency = isFlowing ? Math.max(0, wandering.step(milliseconds)) : 0;
        part += (frequency * milliseconds) / 1000;
        const pulses = Math.floor(part);
        part -= pulses;
        quiet = pulses === 0 ? quiet + milliseconds : 0;
        if (sensing) count += pulses;
      },
      read: () => [float32(shown(output, { frequency, count, quiet, perRevolution }))],
      restart() {
        count = 0;
      },
      command(number) {
        if (number !== resetCounter) return false;
        count = 0;
        return true;
      },
    };
  });
}

/** A standstill shows as no frequency once the next pulse is overdue, and as the time since the last. */
function shown(
  output: NonNullable<PulseOptions['output']>,
  at: { frequency: number; count: number; quiet: number; perRevolution: number },
): number {
  switch (output) {
    case 'frequency':
      return at.frequency;
    case 'rpm':
      return (at.frequency * 60) / at.perRevolution;
    case 'interval':
      return at.frequency === 0 ? at.quiet / 1000 : 1 / at.frequency;
    case 'counter':
      return at.count;
  }
}
