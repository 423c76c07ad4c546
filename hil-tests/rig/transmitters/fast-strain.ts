import { dataTypes } from '@loadline/sdk/t24';
import { inRange } from '../errors.ts';
import type { SeededRandom } from '../random.ts';
import { bridgeMilliamps, electronicsMilliamps, type Model } from './model.ts';
import { type TransmitterOptions, VirtualModule } from './module.ts';

/** Options of a simulated fast strain transmitter: its interval is 5 ms, and it has no low power mode. */
export interface FastStrainOptions extends Omit<TransmitterOptions, 'intervalMs' | 'betweenBroadcasts'> {
  /** Strain at rest in nV/V. Default: 250000. */
  readonly restNanovolts?: number;
  /** What a blow makes of it at its strongest, in nV/V. Default: 40000. */
  readonly blowNanovolts?: number;
  /** Milliseconds between two blows on average. Default: 2000. */
  readonly blowEveryMs?: number;
  /** Standard deviation of the noise in nV/V. Default: 60. */
  readonly noiseNanovolts?: number;
}

const PACKET_MS = 5;
const SAMPLES = 10;
const SAMPLE_MS = PACKET_MS / SAMPLES;

/** How the structure rings when it is hit: frequency, the time until 63 % is gone, and its share of a blow. */
const modes = [
  { hertz: 3.1, decayMs: 900, share: 0.6 },
  { hertz: 17.4, decayMs: 250, share: 0.4 },
] as const;

/**
 * A simulated fast strain transmitter (T24-SAf): 200 packets a second, each of ten int32 in nV/V and the time of the
 * first as a uint16 of 500 us units, which begins anew every 32.768 s (type binary, MSB first; certainty B). What it
 * measures is a structure that is hit now and then and rings.
 *
 * It fills 94 % of a line of 115200 baud: with another transmitter beside it, give the base station a faster one.
 */
export function fastStrainTransmitter(options: FastStrainOptions): VirtualModule {
  const blows = {
    nanovolts: inRange('blowNanovolts', options.blowNanovolts ?? 40_000, 0, 2 ** 30),
    everyMs: inRange('blowEveryMs', options.blowEveryMs ?? 2000, 1, 86_400_000),
  };
  const rest = inRange('restNanovolts', options.restNanovolts ?? 250_000, -(2 ** 29), 2 ** 29);
  const noise = inRange('noiseNanovolts', options.noiseNanovolts ?? 60, 0, 2 ** 29);
  const milliamps = electronicsMilliamps + bridgeMilliamps;
  const type = { what: 'fast strain transmitter', model: 'T24-SAf', tagCount: 1, milliamps };
  return new VirtualModule(type, { ...options, intervalMs: PACKET_MS }, (random) =>
    ringing(random, rest, noise, blows),
  );
}

function ringing(
  random: SeededRandom,
  rest: number,
  noise: number,
  blows: { readonly nanovolts: number; readonly everyMs: number },
): Model {
  // A mode is a vector that turns and shrinks by the same at every sample; what is measured is its y.
  const vectors = modes.map(({ hertz, decayMs, share }) => {
    const shrink = Math.exp(-SAMPLE_MS / decayMs);
    const angle = (2 * Math.PI * hertz * SAMPLE_MS) / 1000;
    return { share, x: 0, y: 0, cos: shrink * Math.cos(angle), sin: shrink * Math.sin(angle) };
  });
  let untilBlow = random.exponential(blows.everyMs);
  let stamp = 0;
  const sample = (): number => {
    untilBlow -= SAMPLE_MS;
    const blow = untilBlow > 0 ? 0 : blows.nanovolts * random.uniform();
    if (untilBlow <= 0) untilBlow = random.exponential(blows.everyMs);
    let sum = rest + noise * random.normal();
    for (const vector of vectors) {
      const { x, y, cos, sin, share } = vector;
      vector.x = x * cos - y * sin + share * blow;
      vector.y = x * sin + y * cos;
      sum += vector.y;
    }
    return Math.round(sum);
  };
  let samples = Array.from({ length: SAMPLES }, sample);
  return {
    age() {
      samples = Array.from({ length: SAMPLES }, sample);
      stamp = (stamp + SAMPLES) & 0xffff;
    },
    read() {
      const bytes = Buffer.alloc(SAMPLES * 4 + 2);
      for (const [index, value] of samples.entries()) bytes.writeInt32BE(value, index * 4);
      bytes.writeUInt16BE(stamp, SAMPLES * 4);
      const data = { dataType: dataTypes.binary, value: { type: 'binary', value: bytes } } as const;
      return [{ tagOffset: 0, data }];
    },
    restart() {
      stamp = 0;
    },
  };
}
