import { dataTypes, type TypedData } from '@loadline/sdk/t24';

/** One measured value, and how many tags above the module's own it goes out under. */
export interface Measured {
  readonly tagOffset: number;
  readonly data: TypedData;
}

/** What a simulated module measures: a piece of the world that grows older. */
export interface Model {
  /** Lets `milliseconds` pass in the world. `sensing`: whether the module is awake meanwhile, and would notice. */
  age(milliseconds: number, sensing: boolean): void;
  /** What the module makes of it now, one for each packet of a broadcast. */
  read(): readonly Measured[];
  /** The module has been switched off and on. */
  restart?(): void;
  /** A command of this type of module alone, by its number. Whether there is such a one. */
  command?(number: number): boolean;
}

/** A type of module. */
export interface ModuleType {
  /** What it is, in words, for the label. */
  readonly what: string;
  /** What it says when it is asked for its model: up to 11 characters. */
  readonly model: string;
  /** Tags it broadcasts under, from its own upwards. */
  readonly tagCount: number;
  /** Current in mA while it is awake and measures. */
  readonly milliamps: number;
}

/** Currents in mA: the electronics, and a 350 ohm bridge at 5 V on top (T24 Technical Manual, battery life). */
export const electronicsMilliamps = 30;
export const bridgeMilliamps = (5000 / 350) * 2;

/** A float32 under the module's tag or `tagOffset` above it; the nearest one, so that a test compares what is sent. */
export function float32(value: number, tagOffset = 0): Measured {
  const data = {
    dataType: dataTypes.float32,
    value: { type: 'float32', value: Math.fround(value) },
  } as const;
  return { tagOffset, data };
}
