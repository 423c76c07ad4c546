import {
  type DataProviderPacket,
  dataTypes,
  packetFlags,
  statusBits,
  tagName,
  type Value,
} from '@loadline/sdk/t24';
import { inRange, RigError } from './errors.ts';
import { SeededRandom, Wandering } from './random.ts';

/** A simulated transmitter: knows what it measures and how it is heard; knows nothing of clocks and lines. */
export interface VirtualTransmitter {
  /** Says what is simulated, and under which tags. */
  readonly label: string;
  readonly tags: readonly number[];
  /** Milliseconds between two broadcasts. */
  readonly intervalMs: number;
  /** The packets of the next broadcast. Its world is `intervalMs` older at every call. */
  broadcast(): readonly DataProviderPacket[];
  /** From the next broadcast on. Sets flag and status bit of every packet. */
  setBattery(state: 'good' | 'low'): void;
  /** Status byte of every packet from the next broadcast on (`statusBits`); bit 5 belongs to setBattery. */
  setStatus(status: number): void;
}

/** Options that every transmitter has. */
export interface TransmitterOptions {
  /** Data tag, 0..0xFFFF. */
  readonly tag: number;
  /** Milliseconds between two broadcasts, from 5. Default: 1000. */
  readonly intervalMs?: number;
  /** The same seed gives the same packets. Default: the tag. */
  readonly seed?: number;
  /** Mean signal strength in dB, -173..82. It wanders about it by some 3 dB. Default: -55. */
  readonly rssiDecibels?: number;
  /** Mean correlation, 0..127; 55 is poor, 110 good. It wanders about it by some 4. Default: 105. */
  readonly cv?: number;
  /** Status byte. Default: 0. */
  readonly status?: number;
}

/** Radio quality changes with weather and people about, over tens of seconds. */
const RADIO_CORRELATION_MS = 20_000;
const RSSI_OFFSET_DECIBELS = 45;

/** One measured value, and how many tags above the transmitter's own it goes out under. */
interface Measured {
  readonly tagOffset: number;
  readonly value: number;
}

/** A simulated transmitter around a model: `measure(ms)` lets the model age and gives what it shows then. */
function transmitter(
  what: string,
  options: TransmitterOptions,
  tagCount: number,
  model: (random: SeededRandom) => (milliseconds: number) => readonly Measured[],
): VirtualTransmitter {
  const { tag, seed = tag, rssiDecibels = -55, cv = 105 } = options;
  const intervalMs = inRange('intervalMs', options.intervalMs ?? 1000, 5, 86_400_000);
  const tags = Array.from({ length: tagCount }, (_, offset) => wholeTag(tag + offset));
  const random = new SeededRandom(seed);
  const rssi = new Wandering(
    random,
    inRange('rssiDecibels', rssiDecibels, -173, 82),
    3,
    RADIO_CORRELATION_MS,
  );
  const correlation = new Wandering(random, inRange('cv', cv, 0, 127), 4, RADIO_CORRELATION_MS);
  const measure = model(random);
  let status = inRange('status', options.status ?? 0, 0, 255);
  let battery: 'good' | 'low' = 'good';

  return {
    label: `simulated ${what} ${tags.map(tagName).join('/')}`,
    tags,
    intervalMs,
    broadcast() {
      const heard = {
        rssi: clampedInteger(rssi.step(intervalMs) + RSSI_OFFSET_DECIBELS, -128, 127) & 0xff,
        cv: clampedInteger(correlation.step(intervalMs), 0, 127),
      };
      const low = battery === 'low';
      return measure(intervalMs).map(({ tagOffset, value }) => ({
        kind: 'dataProvider',
        flags: packetFlags.broadcast | (low ? packetFlags.batteryLow : 0),
        tag: tag + tagOffset,
        status: low ? status | statusBits.batteryLow : status,
        dataType: dataTypes.float32,
        value: float32(value),
        ...heard,
      }));
    },
    setBattery(state) {
      battery = state;
    },
    setStatus(next) {
      status = inRange('status', next, 0, 255);
    },
  };
}

/** Options of a simulated wind transmitter. */
export interface WindOptions extends TransmitterOptions {
  /** Mean wind in m/s, 0..75. Default: 6. */
  readonly meanSpeed?: number;
  /** Turbulence: standard deviation as a share of the mean, 0..1. Default: 0.25. */
  readonly turbulence?: number;
}

/** The anemometer is read this often; average and gust are taken over windows of these readings (WMO No. 8). */
const WIND_SAMPLE_MS = 250;
const GUST_SAMPLES = 12;
const AVERAGE_SAMPLES = 240;

/**
 * A simulated wind transmitter of the BW-WSS kind: `tag` carries the moving average of the last minute, `tag + 1`
 * the gust (highest 3 s mean within that minute), both float32 in m/s. Slow weather with turbulence on top.
 */
export function windTransmitter(options: WindOptions): VirtualTransmitter {
  const mean = inRange('meanSpeed', options.meanSpeed ?? 6, 0, 75);
  const deviation = mean * inRange('turbulence', options.turbulence ?? 0.25, 0, 1);
  return transmitter('wind transmitter', options, 2, (random) => {
    const weather = new Wandering(random, mean, deviation / 2, 10 * 60_000);
    const turbulence = new Wandering(random, 0, deviation, 4000);
    const sample = () => Math.max(0, weather.step(WIND_SAMPLE_MS) + turbulence.step(WIND_SAMPLE_MS));
    // A minute of wind has blown before it is switched on, so that the first average is one.
    const samples = Array.from({ length: AVERAGE_SAMPLES }, sample);
    let sinceSample = 0;
    return (milliseconds) => {
      for (sinceSample += milliseconds; sinceSample >= WIND_SAMPLE_MS; sinceSample -= WIND_SAMPLE_MS) {
        samples.push(sample());
        samples.shift();
      }
      return [
        { tagOffset: 0, value: average(samples) },
        { tagOffset: 1, value: highestMean(samples, GUST_SAMPLES) },
      ];
    };
  });
}

/** Options of a simulated load transmitter. */
export interface LoadOptions extends TransmitterOptions {
  /** Loads that are put on in turn, in the unit of the cell. Default: 0, 2.5, 5, 1.2 (tonnes, say). */
  readonly steps?: readonly number[];
  /** Milliseconds a load stays on, on average. Default: 20000. */
  readonly dwellMs?: number;
  /** Standard deviation of the noise, in the same unit. Default: 0.002. */
  readonly noise?: number;
}

/** The rope swings in: a new load is 63 % there after this long. */
const LOAD_SETTLING_MS = 600;

/** A simulated load cell: loads put on and taken off, settling after each, with noise. `tag` carries float32. */
export function loadTransmitter(options: LoadOptions): VirtualTransmitter {
  const { steps = [0, 2.5, 5, 1.2] } = options;
  const dwellMs = inRange('dwellMs', options.dwellMs ?? 20_000, 1, 86_400_000);
  const noise = inRange('noise', options.noise ?? 0.002, 0, Number.MAX_VALUE);
  if (steps.length === 0) throw new RigError('option', 'steps is empty; a load transmitter needs one load');
  return transmitter('load transmitter', options, 1, (random) => {
    let step = 0;
    let left = dwellMs;
    let load = steps[0] as number;
    return (milliseconds) => {
      left -= milliseconds;
      if (left <= 0) {
        step = (step + 1) % steps.length;
        // Between half and one and a half times the dwell: nobody loads by the clock.
        left = dwellMs * (0.5 + random.uniform());
      }
      const target = steps[step] as number;
      load = target + (load - target) * Math.exp(-milliseconds / LOAD_SETTLING_MS);
      return [{ tagOffset: 0, value: load + noise * random.normal() }];
    };
  });
}

/** Options of a simulated temperature transmitter. */
export interface TemperatureOptions extends TransmitterOptions {
  /** Mean of the day in degrees Celsius. Default: 12. */
  readonly meanCelsius?: number;
  /** Half the difference between the day's warmest and coldest moment, in kelvin. Default: 6. */
  readonly dailySwing?: number;
}

const DAY_MS = 86_400_000;

/** A simulated temperature transmitter: the day's swing, slow drift on top, a little noise. `tag` carries float32. */
export function temperatureTransmitter(options: TemperatureOptions): VirtualTransmitter {
  const mean = inRange('meanCelsius', options.meanCelsius ?? 12, -273.15, 2000);
  const swing = inRange('dailySwing', options.dailySwing ?? 6, 0, 1000);
  return transmitter('temperature transmitter', options, 1, (random) => {
    const drift = new Wandering(random, 0, 0.5, 30 * 60_000);
    let elapsed = 0;
    return (milliseconds) => {
      elapsed += milliseconds;
      const day = swing * Math.sin((2 * Math.PI * elapsed) / DAY_MS);
      return [{ tagOffset: 0, value: mean + day + drift.step(milliseconds) + 0.02 * random.normal() }];
    };
  });
}

function wholeTag(tag: number): number {
  if (Number.isInteger(tag) && tag >= 0 && tag <= 0xffff) return tag;
  throw new RigError('option', `tag is ${tag}; it must be a whole number from 0 to 65535 (0xFFFF)`);
}

function clampedInteger(value: number, least: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, value)));
}

/** The nearest float32, so that what a test compares is what is on the wire. */
function float32(value: number): Value {
  return { type: 'float32', value: Math.fround(value) };
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
