import { setTimeout as delay } from 'node:timers/promises';
import { type Decoder, driverNamed, type Measurement } from '@loadline/sdk/driver';
import { correlation, rssiDecibels, tagName } from '@loadline/sdk/t24';
import { MetalError } from './errors.ts';
import { bauds, type RealPort } from './real-port.ts';

/** A transmitter that a base station tells of. */
export interface HeardTransmitter {
  /** Four hex digits. */
  readonly tag: string;
  /** 1..16; 0 where what speaks does not say (GW1). */
  readonly base: number;
  readonly frames: number;
  /** dB, and the correlation value, of its last frame; undefined where what speaks does not say. */
  readonly rssi: number | undefined;
  readonly cv: number | undefined;
}

/** What speaks on a port, by what it sends. */
export interface HeardStation {
  readonly driver: 't24' | 'gw1';
  readonly baud: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly frames: number;
  /** Bytes that were part of no frame. */
  readonly discarded: number;
  readonly transmitters: readonly HeardTransmitter[];
}

export interface IdentifyOptions {
  /** Seconds in which something must come. Default: 10. */
  readonly seconds?: number;
}

/** Frames that make sure that it is one, and not rubbish whose checksum held by chance. */
const sureFrames = 3;
/** Seconds at each of the other speeds, where bytes come that make no frames. */
const elsewhereSeconds = 2;

const speakers = ['t24', 'gw1'] as const;

/**
 * Listens until it is sure which receiver is on a port, and sends nothing: a base station is silent by itself, and tells only of
 * what it hears. @throws MetalError `no-base-station` that says what came instead: nothing, another speed, rubbish
 */
export async function identifyBaseStation(
  port: RealPort,
  { seconds = 10 }: IdentifyOptions = {},
): Promise<HeardStation> {
  const { baud } = port;
  const first = await listen(port, seconds);
  if (first.station !== undefined) return first.station;
  if (first.bytes === 0) throw await silence(port, seconds);
  // Whatever speaks is heard at a wrong speed too, as rubbish: so only where something came others are worth a try.
  try {
    for (const other of bauds.filter((one) => one !== baud)) {
      await port.setBaud(other);
      const { station } = await listen(port, elsewhereSeconds);
      if (station !== undefined) {
        throw new MetalError(
          'no-base-station',
          `what is on ${port.path} speaks at ${other} baud, and was listened to at ${baud}`,
          `call with --baud ${other}`,
        );
      }
    }
  } finally {
    if (port.isOpen) await port.setBaud(baud);
  }
  throw new MetalError(
    'no-base-station',
    `${first.bytes} bytes came on ${port.path} in ${seconds} s that are no frames, at any speed`,
    'something else speaks there (a console?), the line has no ground, or on RS485 A and B are swapped; loadline listen shows what comes',
  );
}

async function silence(port: RealPort, seconds: number): Promise<MetalError> {
  const lines = await port.modemLines();
  const isPowered = lines !== undefined && (lines.cts || lines.dsr || lines.dcd);
  return new MetalError(
    'no-base-station',
    `nothing came on ${port.path} in ${seconds} s${isPowered ? ', though something with power is at the other end' : ''}`,
    'wake a transmitter: a base station tells of those only. If one is awake, TX and RX may be swapped, or the base station has no power',
  );
}

interface Listened {
  readonly bytes: number;
  readonly station: HeardStation | undefined;
}

async function listen(port: RealPort, seconds: number): Promise<Listened> {
  const ears = speakers.map((driver) => new Ear(driver));
  const began = performance.now();
  let bytes = 0;
  const unhear = port.onData((chunk) => {
    bytes += chunk.length;
    for (const ear of ears) ear.take(chunk);
  });
  const heard = () => ears.find(({ frames }) => frames >= sureFrames);
  try {
    // A little of the whole time even where it is sure at once: who else is on the air is worth knowing.
    while (performance.now() - began < seconds * 1000 && port.isOpen) {
      await delay(20);
      if (heard() !== undefined && performance.now() - began > Math.min(1000, seconds * 500)) break;
    }
  } finally {
    unhear();
  }
  if (!port.isOpen) throw new MetalError('gone', `${port.path} is gone`, 'look at its plug');
  const ear = heard();
  const took = (performance.now() - began) / 1000;
  return { bytes, station: ear?.station(port.baud, took, bytes) };
}

/** One driver's view of what comes. */
class Ear {
  readonly #driver: (typeof speakers)[number];
  readonly #decoder: Decoder;
  readonly #transmitters = new Map<string, HeardTransmitter>();
  frames = 0;
  #discarded = 0;

  constructor(driver: (typeof speakers)[number]) {
    this.#driver = driver;
    this.#decoder = driverNamed(driver).open({});
  }

  take(chunk: Uint8Array): void {
    for (const decoded of this.#decoder.push(chunk)) {
      if (decoded.kind === 'discarded') this.#discarded += decoded.bytes;
      else {
        this.frames += 1;
        if (decoded.content.kind === 'measurement') this.#note(decoded.content);
      }
    }
  }

  station(baud: number, seconds: number, bytes: number): HeardStation {
    return {
      driver: this.#driver,
      baud,
      seconds,
      bytes,
      frames: this.frames,
      discarded: this.#discarded,
      transmitters: [...this.#transmitters.values()].sort((one, other) => one.tag.localeCompare(other.tag)),
    };
  }

  #note({ base, tag, quality }: Measurement): void {
    const key = `${base} ${tag}`;
    const frames = (this.#transmitters.get(key)?.frames ?? 0) + 1;
    const signal =
      quality.kind === 'radio'
        ? { rssi: rssiDecibels(quality.rssi), cv: correlation(quality.cv) }
        : { rssi: undefined, cv: undefined };
    this.#transmitters.set(key, { tag: tagName(tag), base, frames, ...signal });
  }
}
