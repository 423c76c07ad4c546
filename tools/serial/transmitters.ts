import {
  type BatteryOptions,
  fastStrainTransmitter,
  loadTransmitter,
  pulseTransmitter,
  temperatureTransmitter,
  type VirtualModule,
  windTransmitter,
} from '@loadline/hil-tests';
import { InvalidArgumentError } from 'commander';

/** What all simulated transmitters of a run have in common. */
export interface Common {
  readonly seed: number;
  readonly battery?: BatteryOptions;
}

/** A transmitter as it was asked for: made once the other options are known. */
export interface Asked {
  readonly kind: keyof typeof kinds;
  make(common: Common): VirtualModule;
}

const kinds = {
  wind: windTransmitter,
  load: loadTransmitter,
  temperature: temperatureTransmitter,
  pulse: pulseTransmitter,
  strain: fastStrainTransmitter,
};

const usual = ['wind:25DF:200', 'load:3A10:100', 'temperature:4C21:1000'];

/** What is simulated where nothing else is asked for. */
export const usualTransmitters = (): Asked[] => usual.map(transmitterOf);

/** A transmitter off the command line: `load:3A10:100`. Throws InvalidArgumentError. */
export function transmitterOf(text: string): Asked {
  const [, kind, tag, interval] = /^([a-z]+):([0-9A-Fa-f]{4})(?::([0-9]{1,8}))?$/.exec(text) ?? [];
  if (
    kind === undefined ||
    !isKind(kind) ||
    tag === undefined ||
    (kind === 'strain' && interval !== undefined)
  ) {
    throw new InvalidArgumentError(
      'It must be wind, load, temperature, pulse or strain, a tag of four hex digits, and milliseconds (not of strain, ' +
        'which sends every 5 ms), like load:3A10:100.',
    );
  }
  const number = Number.parseInt(tag, 16);
  const make = ({ seed, battery }: Common) =>
    kinds[kind]({
      tag: number,
      seed: (seed + number) % 2 ** 31,
      ...(battery && { battery }),
      ...(interval !== undefined && { intervalMs: Number(interval) }),
    });
  try {
    // What it cannot be is known before anything is opened.
    make({ seed: 0 });
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return { kind, make };
}

function isKind(kind: string): kind is Asked['kind'] {
  return Object.hasOwn(kinds, kind);
}
