import { inRange } from '../errors.ts';
import { Wandering } from '../random.ts';
import { electronicsMilliamps, float32 } from './model.ts';
import { type TransmitterOptions, VirtualModule } from './module.ts';

/** Options of a simulated temperature transmitter. */
export interface TemperatureOptions extends TransmitterOptions {
  /** Mean of the day in degrees Celsius. Default: 12. */
  readonly meanCelsius?: number;
  /** Half the difference between the day's warmest and coldest moment, in kelvin. Default: 6. */
  readonly dailySwing?: number;
  /** How far it drifts from the day's course within half an hour, as a standard deviation in kelvin. Default: 0.5. */
  readonly drift?: number;
}

const DAY_MS = 86_400_000;

/** A simulated temperature transmitter (T24-TA): the day's swing, slow drift on top, a little noise. `tag` carries float32. */
export function temperatureTransmitter(options: TemperatureOptions): VirtualModule {
  const mean = inRange('meanCelsius', options.meanCelsius ?? 12, -273.15, 2000);
  const swing = inRange('dailySwing', options.dailySwing ?? 6, 0, 1000);
  const deviation = inRange('drift', options.drift ?? 0.5, 0, 1000);
  const milliamps = electronicsMilliamps;
  const type = { what: 'temperature transmitter', model: 'T24-TA', tagCount: 1, milliamps };
  return new VirtualModule(type, options, (random) => {
    const drift = new Wandering(random, 0, deviation, 30 * 60_000);
    let elapsed = 0;
    let shown = mean;
    return {
      age(milliseconds) {
        elapsed += milliseconds;
        const day = swing * Math.sin((2 * Math.PI * elapsed) / DAY_MS);
        shown = mean + day + drift.step(milliseconds) + 0.02 * random.normal();
      },
      read: () => [float32(shown)],
    };
  });
}
