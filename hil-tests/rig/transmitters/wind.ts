import { inRange } from '../errors.ts';
import { type SeededRandom, Wandering } from '../random.ts';
import { electronicsMilliamps, float32, type Model } from './model.ts';
import { type TransmitterOptions, VirtualModule } from './module.ts';

/** Options of a simulated wind transmitter. */
export interface WindOptions extends TransmitterOptions {
  /** Mean wind in m/s, 0..75. Default: 6. */
  readonly meanSpeed?: number;
  /** Turbulence: standard deviation as a share of the mean, 0..1. Default: 0.25. */
  readonly turbulence?: number;
  /** How strong gusts become, as a share of the mean on top of it, 0..5. Default: 0.8. */
  readonly gustiness?: number;
  /** Milliseconds between two gusts on average. Default: two minutes. */
  readonly gustEveryMs?: number;
}

/** The anemometer is read this often; average and gust are taken over windows of these readings (WMO No. 8). */
const WIND_SAMPLE_MS = 250;
const GUST_SAMPLES = 12;
const AVERAGE_SAMPLES = 240;
/** A gust rises and falls as one minus a cosine, in about this time (IEC 61400-1). */
const GUST_MS = 10_500;

/**
 * A simulated wind transmitter of the BW-WSS kind: `tag` carries the moving average of the last minute, `tag + 1`
 * the gust (highest 3 s mean within that minute), both float32 in m/s. Slow weather, turbulence on top, and now and
 * then a gust that stands out.
 */
export function windTransmitter(options: WindOptions): VirtualModule {
  const mean = inRange('meanSpeed', options.meanSpeed ?? 6, 0, 75);
  const deviation = mean * inRange('turbulence', options.turbulence ?? 0.25, 0, 1);
  const gust = {
    strength: mean * inRange('gustiness', options.gustiness ?? 0.8, 0, 5),
    everyMs: inRange('gustEveryMs', options.gustEveryMs ?? 120_000, GUST_MS, 86_400_000),
  };
  const type = { what: 'wind transmitter', model: 'T24-WSS', tagCount: 2, milliamps: electronicsMilliamps };
  return new VirtualModule(type, options, (random) => anemometer(random, mean, deviation, gust));
}

function anemometer(
  random: SeededRandom,
  mean: number,
  deviation: number,
  gust: { readonly strength: number; readonly everyMs: number },
): Model {
  const weather = new Wandering(random, mean, deviation / 2, 10 * 60_000);
  const turbulence = new Wandering(random, 0, deviation, 4000);
  let untilGustMs = random.exponential(gust.everyMs);
  let gustPeak = 0;
  const gusting = () => {
    untilGustMs -= WIND_SAMPLE_MS;
    if (untilGustMs <= -GUST_MS) untilGustMs = random.exponential(gust.everyMs);
    if (untilGustMs > 0) {
      gustPeak = 0;
      return 0;
    }
    if (gustPeak === 0) gustPeak = gust.strength * (0.5 + 0.5 * random.uniform());
    return (gustPeak / 2) * (1 - Math.cos((2 * Math.PI * -untilGustMs) / GUST_MS));
  };
  const sample = () =>
    Math.max(0, weather.step(WIND_SAMPLE_MS) + turbulence.step(WIND_SAMPLE_MS) + gusting());
  // A minute of wind has blown before it is switched on, so that the first average is one.
  const samples = Array.from({ length: AVERAGE_SAMPLES }, sample);
  let sinceSample = 0;
  return {
    age(milliseconds, sensing) {
      for (sinceSample += milliseconds; sinceSample >= WIND_SAMPLE_MS; sinceSample -= WIND_SAMPLE_MS) {
        const speed = sample();
        if (!sensing) continue;
        samples.push(speed);
        samples.shift();
      }
    },
    read: () => [float32(average(samples)), float32(highestMean(samples, GUST_SAMPLES), 1)],
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function highestMean(values: readonly number[], span: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let end = span; end <= values.length; end++) {
    highest = Math.max(highest, average(values.slice(end - span, end)));
  }
  return highest;
}
