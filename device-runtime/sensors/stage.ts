import type { Entry, Reading } from '@loadline/sdk/telemetry';
import type { Config } from '../config/index.ts';
import { DerivedSeries, type Source } from './derived.ts';
import type { SensorLedger } from './ledger.ts';
import { Outbox } from './outbox.ts';
import { Ports } from './ports.ts';
import { Sensor } from './sensor.ts';
import { type DerivedState, restoreState, stateOf } from './state.ts';

/** Least milliseconds between two looks at all sensors for what is due. */
const pace = 20;

export interface SensorStageOptions {
  readonly sensors: Config['sensors'];
  readonly derived: Config['derived'];
  /** Names of the configured ports; closed until `portChanged` says otherwise. */
  readonly ports: readonly string[];
  /** Milliseconds of the monotonic clock now. */
  readonly startedAt: number;
  /** What `state` gave in an earlier run; what does not fit is passed over. */
  readonly restored?: unknown;
}

/** What came of resetting a derived series. */
export type ResetOutcome =
  | 'reset'
  | 'no-such-series'
  /** A sum or a difference has nothing to reset. */
  | 'not-resettable'
  /** Its source has no good value now, and another must not be made up. */
  | 'no-value';

/**
 * Decides what is journalled of the readings that were bound, and adds what follows from them: statistics of windows,
 * derived series, events. Pure: all times are milliseconds of the monotonic clock, and `tick` is called by whoever
 * has a timer, at `nextTick`.
 */
export class SensorStage {
  readonly #out = new Outbox();
  readonly #ports: Ports;
  readonly #sensors = new Map<number, Sensor>();
  /** In the order of the configuration: sources before what is derived from them. */
  readonly #derived: DerivedSeries[] = [];
  /** What is derived from each sensor, directly or not, in that order. */
  readonly #dependents = new Map<Sensor, DerivedSeries[]>();
  /** What was kept of series that this configuration does not have. */
  readonly #otherState: ReturnType<typeof restoreState>;
  #taken = 0;
  #revision = 0;
  /** Not later than the first thing due; readings move due times away without its being worked out anew. */
  #next = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @throws Error where a derived series names a source that is not further up */
  constructor({ sensors, derived, ports, startedAt, restored }: SensorStageOptions) {
    this.#ports = new Ports(ports, startedAt);
    const byName = new Map<string, { source: Source; recipe: string; roots: readonly Sensor[] }>();
    for (const config of sensors) {
      const sensor = new Sensor(config, this.#ports, this.#out);
      this.#sensors.set(config.tag, sensor);
      const recipe = `${config.tag}*${config.gain}+${config.offset}`;
      byName.set(config.name, { source: sensor, recipe, roots: [sensor] });
    }
    for (const config of derived) {
      const parts = [config.of].flat().map((name) => {
        const part = byName.get(name);
        if (part === undefined) {
          throw new Error(
            `derived series "${config.name}" is of "${name}", which is neither a sensor nor a derived series further up`,
          );
        }
        return part;
      });
      const recipe = `${config.kind} of ${parts.map((part) => part.recipe).join(', ')}`;
      const series = new DerivedSeries(
        config,
        parts.map(({ source }) => source),
        recipe,
      );
      this.#derived.push(series);
      const roots = [...new Set(parts.flatMap((part) => part.roots))];
      for (const root of roots) {
        const dependents = this.#dependents.get(root) ?? [];
        dependents.push(series);
        this.#dependents.set(root, dependents);
      }
      // By tag: what is derived from it need not repeat of what it is.
      byName.set(config.name, { source: series, recipe: `${config.kind} ${config.tag}`, roots });
    }
    this.#otherState = restoreState(this.#derived, restored);
    this.#look(startedAt);
  }

  get ledger(): SensorLedger {
    const { readings, computed } = this.#out;
    return { readings, withheld: this.#taken - readings, computed };
  }

  /** When `tick` is to be called, unless a reading makes it sooner; undefined where nothing waits for a time. */
  get nextTick(): number | undefined {
    if (this.#next === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(this.#next, this.#lookedAt + pace);
  }

  /** Takes a bound reading, and gives what is to be journalled now, in order. */
  take(reading: Reading): readonly Entry[] {
    this.#taken++;
    const now = reading.monotonic;
    this.#lookIfDue(now);
    const sensor = this.#sensors.get(reading.tag);
    if (sensor === undefined) {
      // Of a tag nobody configured nothing is known that could judge it.
      this.#out.heard(reading);
      return this.#out.empty();
    }
    sensor.take(reading);
    if (sensor.due < this.#next) this.#next = sensor.due;
    const dependents = this.#dependents.get(sensor);
    if (dependents !== undefined) this.#derive(dependents, now);
    sensor.gave = false;
    return this.#out.empty();
  }

  /** Does what is due by `now`; sooner than `nextTick` it does nothing. */
  tick(now: number): readonly Entry[] {
    this.#lookIfDue(now);
    return this.#out.empty();
  }

  /** A port was opened or closed: silence on a closed one makes no sensor stale. */
  portChanged(name: string, open: boolean, now: number): void {
    this.#ports.changed(name, open, now);
    for (const sensor of this.#sensors.values()) sensor.reschedule();
    this.#schedule();
  }

  /** The gateway stops: gives out what is held back, open windows, and what events are still to be told. */
  finish(now: number): readonly Entry[] {
    for (const sensor of this.#sensors.values()) sensor.finish(now);
    this.#derive(this.#derived, now);
    for (const sensor of this.#sensors.values()) sensor.gave = false;
    this.#schedule();
    return this.#out.empty();
  }

  /** Makes the present value of a tare its zero, or of a peak hold its highest. */
  resetDerived(tag: number, now: number): { outcome: ResetOutcome; entries: readonly Entry[] } {
    const index = this.#derived.findIndex(({ config }) => config.tag === tag);
    const series = this.#derived[index];
    if (series === undefined) return { outcome: 'no-such-series', entries: [] };
    const outcome = series.reset(now, this.#out);
    if (outcome === 'reset') {
      this.#revision++;
      this.#derive(this.#derived.slice(index + 1), now);
      series.gave = false;
    }
    return { outcome, entries: this.#out.empty() };
  }

  /** Zeros and peaks, to be kept over a restart. */
  get state(): DerivedState {
    return stateOf(this.#derived, this.#otherState);
  }

  /** Another number whenever `state` is another. */
  get stateRevision(): number {
    return this.#revision;
  }

  #lookIfDue(now: number): void {
    if (now >= this.#next && now >= this.#lookedAt + pace) this.#look(now);
  }

  /** Looks at all sensors for what is due. */
  #look(now: number): void {
    this.#lookedAt = now;
    let gave = false;
    for (const sensor of this.#sensors.values()) {
      sensor.tick(now);
      if (sensor.gave) gave = true;
    }
    if (gave) {
      this.#derive(this.#derived, now);
      for (const sensor of this.#sensors.values()) sensor.gave = false;
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#next = Number.POSITIVE_INFINITY;
    for (const { due } of this.#sensors.values()) if (due < this.#next) this.#next = due;
  }

  /** Works these out anew, each after its sources, and gives out what there is to say. */
  #derive(series: readonly DerivedSeries[], now: number): void {
    for (const each of series) {
      if (each.work(now)) this.#revision++;
      each.give(now, this.#out);
    }
    for (const each of series) each.gave = false;
  }
}
