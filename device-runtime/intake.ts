import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { CommandBody, PortLedger } from '@loadline/sdk/contract';
import type { Driver } from '@loadline/sdk/driver';
import { type Log, readIfThere, writeWhole } from '@loadline/sdk/platform';
import type { Entry, Reading } from '@loadline/sdk/telemetry';
import { Binder, type Heard } from './bind/index.ts';
import type { Config } from './config/index.ts';
import { CommandRefused } from './downlink/index.ts';
import { Radio, type RadioEvent } from './radio/index.ts';
import { frameLedger, SensorStage } from './sensors/index.ts';
import type { World } from './world.ts';

export interface IntakeOptions {
  readonly config: Config;
  /** Drivers that an integrator brings. */
  readonly drivers: readonly Driver[];
  readonly world: World;
  /** Zeros and peaks of derived series, as an earlier run or configuration left them. */
  readonly restored: unknown;
  /** What is to be journalled, in order; events of sensors among it. */
  readonly onEntries: (entries: readonly Entry[]) => void;
  /** A frame was bound, whatever its sensor's policy makes of it. */
  readonly onBound: (reading: Reading) => void;
  readonly onEvent: (event: RadioEvent) => void;
  /** Something was counted. */
  readonly onChange: () => void;
}

/** Milliseconds between two times that zeros and peaks are kept on their own: it spares the card. */
const keepMilliseconds = 60_000;

/** The way in: ports -> frames -> readings -> what is to be journalled. Its ports are the same as long as it lives. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #radio: Radio;
  #binder: Binder;
  #stage: SensorStage;
  #openPorts = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #keptRevision: number;
  #keptAt: number;
  #keeping: Promise<void> = Promise.resolve();

  /** @throws Error where a port's driver is not there, or refuses its options */
  constructor(options: IntakeOptions) {
    const { config, drivers, world, restored } = options;
    const { clock, log, binding } = world;
    this.#options = options;
    this.#binder = binderOf(config);
    this.#stage = stageOf(config, clock.monotonic(), restored);
    this.#keptRevision = this.#stage.stateRevision;
    this.#keptAt = clock.monotonic();
    this.#radio = new Radio({
      ports: config.ports,
      drivers,
      binding,
      clock,
      log,
      onHeard: (heard) => this.#heard(heard),
      onChange: () => this.#changed(),
      onEvent: options.onEvent,
    });
  }

  /** What each port has seen. */
  get ports(): readonly PortLedger[] {
    return this.#radio.ledgers;
  }

  /** What became of the frames. */
  get frames() {
    return frameLedger(this.#binder.ledger, this.#stage.ledger);
  }

  /** Zeros and peaks of derived series. */
  get derivedState(): unknown {
    return this.#stage.state;
  }

  open(): void {
    this.#radio.open();
    this.#arm();
  }

  /** Whether another configuration leaves the ports as they are, so that `takeUp` will do. */
  hasPortsOf({ ports }: Config): boolean {
    return isDeepStrictEqual(ports, this.#options.config.ports);
  }

  /**
   * Goes on under another configuration of the same ports, which stay open: no frame is lost by it. What sensors hold
   * back is given out.
   *
   * @returns what became of the frames until now; `frames` begins anew
   */
  takeUp(config: Config): Intake['frames'] {
    const now = this.#now();
    this.#options.onEntries(this.#stage.finish(now));
    this.#keep();
    const { frames } = this;
    this.#stage = stageOf(config, now, this.#stage.state);
    this.#binder = binderOf(config);
    this.#keptRevision = this.#stage.stateRevision;
    for (const name of this.#openPorts) this.#stage.portChanged(name, true, now);
    this.#arm();
    return frames;
  }

  /** Closes the ports, and gives out what sensors hold back. */
  async stop(): Promise<void> {
    await this.#radio.stop();
    clearTimeout(this.#timer);
    this.#options.onEntries(this.#stage.finish(this.#now()));
    this.#keep();
    await this.#keeping;
  }

  /** An executor of the down-link: sends a command over a port. */
  async transmit(
    { port, base, to, action }: Extract<CommandBody, { kind: 'transmit' }>,
    until: number,
  ): Promise<string> {
    const { outcome, detail } = await this.#radio.transmit(port, { base, to, action, expires: until });
    if (outcome === 'done') return detail;
    throw outcome === 'refused' ? new CommandRefused(detail) : new Error(detail);
  }

  /** An executor of the down-link: a tare's zero, a peak's end. It is on disk before it is said to be done. */
  async resetDerived({ tag }: Extract<CommandBody, { kind: 'reset-derived' }>): Promise<string> {
    const { outcome, entries } = this.#stage.resetDerived(tag, this.#now());
    this.#options.onEntries(entries);
    switch (outcome) {
      case 'reset':
        this.#keep();
        await this.#keeping;
        return 'reset to its present value';
      case 'no-such-series':
        throw new CommandRefused('no derived series has this tag');
      case 'not-resettable':
        throw new CommandRefused('a sum or a difference has nothing to reset');
      case 'no-value':
        throw new CommandRefused('its source has no good value at present');
    }
  }

  #heard(heard: readonly Heard[]): void {
    const { onBound, onEntries } = this.#options;
    for (const each of heard) {
      const bound = this.#binder.bind(each);
      if (bound.kind !== 'reading') continue;
      onBound(bound.reading);
      onEntries(this.#stage.take(bound.reading));
    }
    this.#keepInTime();
    this.#arm();
  }

  #changed(): void {
    const now = this.#now();
    for (const { name, open } of this.#radio.ledgers) {
      if (open === this.#openPorts.has(name)) continue;
      if (open) this.#openPorts.add(name);
      else this.#openPorts.delete(name);
      this.#stage.portChanged(name, open, now);
    }
    this.#arm();
    this.#options.onChange();
  }

  #arm(): void {
    const due = this.#stage.nextTick ?? Number.POSITIVE_INFINITY;
    // A timer that comes too early finds nothing due and is set anew: cheaper than one for each frame.
    if (due >= this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    this.#timer = setTimeout(
      () => this.#tick(),
      Math.min(Math.max(0, Math.ceil(due - this.#now())), 2 ** 31 - 1),
    );
  }

  #tick(): void {
    const now = this.#now();
    this.#timerDue = Number.POSITIVE_INFINITY;
    this.#options.onEntries(this.#stage.tick(now));
    this.#keepInTime();
    this.#arm();
  }

  #keepInTime(): void {
    if (this.#now() - this.#keptAt >= keepMilliseconds) this.#keep();
  }

  #keep(): void {
    const { config, world } = this.#options;
    if (this.#stage.stateRevision === this.#keptRevision) return;
    this.#keptRevision = this.#stage.stateRevision;
    this.#keptAt = this.#now();
    const state = `${JSON.stringify(this.#stage.state)}\n`;
    this.#keeping = this.#keeping
      .then(() => writeWhole(derivedFile(config), state, 0o600))
      .catch((error: Error) => world.log.warn('derived-state-not-kept', { reason: error.message }));
  }

  #now(): number {
    return this.#options.world.clock.monotonic();
  }
}

function binderOf({ sensors, unconfigured, copies }: Config): Binder {
  return new Binder({
    sensors,
    sightings: unconfigured.sightings,
    maxSeries: unconfigured.max_series,
    copyWindow: copies.window_ms,
  });
}

function stageOf({ sensors, derived, ports }: Config, startedAt: number, restored: unknown): SensorStage {
  const names = ports.map(({ name }) => name);
  return new SensorStage({ sensors, derived, ports: names, startedAt, restored });
}

function derivedFile({ gateway }: Config): string {
  return join(gateway.state, 'derived.json');
}

/** Zeros and peaks as the run before this one left them; undefined where there are none that can be read. */
export async function readDerivedState(config: Config, log: Log): Promise<unknown> {
  try {
    const text = await readIfThere(derivedFile(config));
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    log.warn('derived-state-lost', { reason: (error as Error).message });
    return undefined;
  }
}
