import { commands, type DataProviderPacket, packetFlags, statusBits, tagName } from '@loadline/sdk/t24';
import { inRange, RigError } from '../errors.ts';
import { SeededRandom, Wandering } from '../random.ts';
import { type BatteryOptions, VirtualBattery } from './battery.ts';
import { carryOut, type ModuleCommand, type ModuleReply, type Settings } from './commands.ts';
import type { Measured, Model, ModuleType } from './model.ts';
import type { VirtualTransmitter } from './transmitter.ts';

/** Options that every simulated module has. */
export interface TransmitterOptions {
  /** Data tag, 0..0xFFFF. */
  readonly tag: number;
  /** Milliseconds between two broadcasts, from 5; 1000.02 is a crystal that is 20 ppm slow. Default: 1000. */
  readonly intervalMs?: number;
  /** The same seed gives the same packets. Default: the tag. */
  readonly seed?: number;
  /** Mean signal strength in dB, -173..82, heard 4 m away. It wanders about it by some 3 dB. Default: -55. */
  readonly rssiDecibels?: number;
  /** Mean correlation, 0..127; 55 is poor, 110 good. It wanders about it by some 4. Default: 105. */
  readonly cv?: number;
  /** Status byte. Default: 0. */
  readonly status?: number;
  /** ID that commands are addressed to, 0..0xFFFFFE. Default: F0 and then the tag, so 0xF025DF of the tag 25DF. */
  readonly id?: number;
  /** What it runs on. Default: a supply that lasts for ever. */
  readonly battery?: BatteryOptions;
  /**
   * `asleep`: its low power mode, in which it can be told nothing but to wake, and a battery lasts. Default: `awake`.
   */
  readonly betweenBroadcasts?: 'awake' | 'asleep';
  /** Milliseconds until it goes to sleep by itself, unless it is told to stay awake meanwhile. Default: never. */
  readonly sleepDelayMs?: number;
}

/**
 * What a module is doing: it broadcasts; it is paused, awake and silent, to be configured; it sleeps, and looks now
 * and then whether somebody wants to wake it; its battery is flat. (T24 Technical Manual, Operational Modes.)
 */
export type ModuleMode = 'running' | 'paused' | 'asleep' | 'flat';

/** Radio quality changes with weather and people about, over tens of seconds. */
const RADIO_CORRELATION_MS = 20_000;
const RSSI_OFFSET_DECIBELS = 45;
/** A sleeping module looks this often whether it is to wake (parameter 16, WakeChkInt; its default). */
const LOOK_MS = 3000;
/** After a Save nothing is heard for this long (T24 Technical Manual). */
const SAVING_MS = 500;
/** What the weakest power setting, 0 %, takes off full power. */
const POWER_RANGE_DECIBELS = 25;

/**
 * Currents in mA and times in s of the manual's battery life calculation. A broadcast out of low power costs a fixed
 * charge, and the measuring current for the time of a sample and a little more; a look costs 8 ms of receiving.
 */
const BROADCAST_MILLIAMP_SECONDS = 0.5;
const AROUND_SAMPLE_SECONDS = 0.006;
const SAMPLE_SECONDS = 0.005;
const LOOK_MILLIAMPS = (30 * 8) / LOOK_MS;

/**
 * A simulated T24 module around a model of what it measures: broadcasts, has a battery and an ID, sleeps and wakes,
 * obeys commands. Made by `windTransmitter` and its like; directly for a model of your own.
 */
export class VirtualModule implements VirtualTransmitter {
  readonly label: string;
  readonly tags: readonly number[];
  readonly intervalMs: number;
  readonly id: number;
  readonly battery: VirtualBattery;
  readonly #type: ModuleType;
  readonly #model: Model;
  readonly #betweenBroadcasts: 'awake' | 'asleep';
  readonly #sleepDelayMs: number;
  readonly #lookPhaseMs: number;
  readonly #rssi: Wandering;
  readonly #correlation: Wandering;
  #mode: Exclude<ModuleMode, 'flat'> = 'running';
  #status: number;
  #settings: Settings = { name: 'Simulated', power: 100 };
  #saved = this.#settings;
  #busyUntil = Number.NEGATIVE_INFINITY;
  #untilSleepMs: number;

  /**
   * @param type what the module is, and what it draws
   * @param model given random numbers of the module's seed, makes the world that it measures
   */
  constructor(type: ModuleType, options: TransmitterOptions, model: (random: SeededRandom) => Model) {
    const { tag, seed = tag, rssiDecibels = -55, cv = 105 } = options;
    this.#type = type;
    this.intervalMs = inRange('intervalMs', options.intervalMs ?? 1000, 5, 86_400_000);
    this.tags = Array.from({ length: type.tagCount }, (_, offset) =>
      wholeNumber('tag', tag + offset, 0xffff),
    );
    this.label = `simulated ${type.what} ${this.tags.map(tagName).join('/')}`;
    this.id = wholeNumber('id', options.id ?? 0xf00000 + tag, 0xfffffe);
    this.battery = new VirtualBattery(options.battery);
    this.#betweenBroadcasts = options.betweenBroadcasts ?? 'awake';
    this.#sleepDelayMs = inRange(
      'sleepDelayMs',
      options.sleepDelayMs ?? Number.POSITIVE_INFINITY,
      1,
      Number.POSITIVE_INFINITY,
    );
    this.#untilSleepMs = this.#sleepDelayMs;
    this.#status = inRange('status', options.status ?? 0, 0, 255);
    const random = new SeededRandom(seed);
    const strength = inRange('rssiDecibels', rssiDecibels, -173, 82);
    this.#rssi = new Wandering(random, strength, 3, RADIO_CORRELATION_MS);
    this.#correlation = new Wandering(random, inRange('cv', cv, 0, 127), 4, RADIO_CORRELATION_MS);
    this.#model = model(random);
    this.#lookPhaseMs = LOOK_MS * random.uniform();
  }

  get mode(): ModuleMode {
    return this.battery.state === 'flat' ? 'flat' : this.#mode;
  }

  broadcast(): readonly DataProviderPacket[] {
    const { mode } = this;
    this.#draw(mode);
    this.#model.age(this.intervalMs, mode === 'running' || mode === 'paused');
    const weaker = POWER_RANGE_DECIBELS * (1 - this.#settings.power / 100);
    const strength = this.#rssi.step(this.intervalMs) - weaker;
    const cv = clampedInteger(this.#correlation.step(this.intervalMs), 0, 127);
    if (mode !== 'running') return [];
    this.#untilSleepMs -= this.intervalMs;
    if (this.#untilSleepMs <= 0) this.#mode = 'asleep';
    const rssi = clampedInteger(strength + RSSI_OFFSET_DECIBELS, -128, 127) & 0xff;
    return this.#model.read().map((measured) => this.#packet(measured, { rssi, cv }));
  }

  /** Puts it to sleep, wakes it, pauses it: as a command does, and without one. A flat battery stays flat. */
  setMode(mode: Exclude<ModuleMode, 'flat'>): void {
    this.#mode = mode;
    this.#untilSleepMs = this.#sleepDelayMs;
  }

  setBattery(state: 'good' | 'low' | 'flat'): void {
    this.battery.become(state);
  }

  setStatus(status: number): void {
    this.#status = inRange('status', status, 0, 255);
  }

  /**
   * Milliseconds from `at` until a command is heard, if it is: none, but for a module that sleeps and is to wake, which
   * looks for that every 3 s.
   */
  hearsInMs(packet: ModuleCommand, at: number): number {
    const isToWake = this.#mode === 'asleep' && isWake(packet);
    return isToWake ? LOOK_MS - ((at + this.#lookPhaseMs) % LOOK_MS) : 0;
  }

  /**
   * A read or write that has arrived where the module is, at the moment `at` of its radio's clock. `unheard` where it
   * does not listen: it sleeps (and this is no wake), is busy saving, or its battery is flat.
   */
  receive(packet: ModuleCommand, at: number): ModuleReply {
    const { mode } = this;
    const dozes = mode === 'asleep' || (mode === 'running' && this.#betweenBroadcasts === 'asleep');
    const isDeaf = mode === 'flat' || at < this.#busyUntil || (dozes && !isWake(packet));
    if (isDeaf) return { kind: 'unheard' };
    return carryOut(packet, {
      id: this.id,
      type: this.#type,
      mode,
      volts: this.battery.volts,
      status: this.#statusNow(),
      measured: () => this.#model.read()[0]?.data,
      settings: this.#settings,
      change: (settings) => {
        this.#settings = settings;
      },
      setMode: (next) => this.setMode(next),
      stayAwake: () => {
        this.#untilSleepMs = this.#sleepDelayMs;
      },
      save: () => {
        this.#saved = this.#settings;
        this.#busyUntil = at + SAVING_MS;
      },
      restart: () => {
        this.#settings = this.#saved;
        this.#model.restart?.();
        this.setMode('running');
      },
      own: (number) => this.#model.command?.(number) ?? false,
    });
  }

  #draw(mode: ModuleMode): void {
    const { milliamps } = this.#type;
    if (mode === 'asleep') {
      this.battery.drain(LOOK_MILLIAMPS, this.intervalMs);
    } else if (mode === 'running' && this.#betweenBroadcasts === 'asleep') {
      const charge = BROADCAST_MILLIAMP_SECONDS + milliamps * (AROUND_SAMPLE_SECONDS + SAMPLE_SECONDS);
      this.battery.drain(charge, 1000);
    } else {
      this.battery.drain(milliamps, this.intervalMs);
    }
  }

  #statusNow(): number {
    return this.battery.state === 'good' ? this.#status : this.#status | statusBits.batteryLow;
  }

  #packet({ tagOffset, data }: Measured, heard: { rssi: number; cv: number }): DataProviderPacket {
    const low = this.battery.state === 'good' ? 0 : packetFlags.batteryLow;
    return {
      kind: 'dataProvider',
      flags: packetFlags.broadcast | low,
      tag: (this.tags[0] as number) + tagOffset,
      status: this.#statusNow(),
      ...data,
      ...heard,
    };
  }
}

function isWake(packet: ModuleCommand): boolean {
  return packet.kind === 'write' && packet.command === commands.wake;
}

function wholeNumber(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  const hex = most.toString(16).toUpperCase();
  throw new RigError('option', `${name} is ${value}; it must be a whole number from 0 to ${most} (0x${hex})`);
}

function clampedInteger(value: number, least: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, value)));
}
