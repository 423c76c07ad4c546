import type { Reading } from '@loadline/sdk/telemetry';
import type { SensorConfig } from '../config/index.ts';
import { Condition } from './condition.ts';
import { defectsOf, faults, physicalOf } from './judge.ts';
import type { Outbox } from './outbox.ts';
import { type Policy, policyOf } from './policy.ts';
import type { Ports } from './ports.ts';
import { batteryIsLow, isPowerUp, reportOf } from './profile.ts';
import { TwinWatch } from './twins.ts';

/** Milliseconds between two reports of one condition of one sensor. */
const hold = 60_000;
/** The same, of what somebody has to travel for: a battery on the edge comes and goes with the temperature. */
const longHold = 6 * 3_600_000;
/** Silence that makes a sensor stale, where nothing else is configured, in intervals. */
const staleIntervals = 3;
const never = Number.POSITIVE_INFINITY;

/** One configured sensor: its send policy, its conditions, and its present value for what is derived from it. */
export class Sensor {
  readonly config: SensorConfig;
  /** When `tick` has something to do. */
  due = never;
  /** Present value, in the unit of the sensor; NaN where the newest reading is no number. */
  number = Number.NaN;
  flags = 0;
  status = 0;
  /** Whether something of it was given out, or its value became stale, since this was last cleared. */
  gave = false;

  readonly #out: Outbox;
  readonly #ports: Ports;
  readonly #policy: Policy;
  readonly #twins: TwinWatch;
  /** Milliseconds of silence; Infinity where nobody said what to expect. */
  readonly #staleAfter: number;
  readonly #stale: Condition;
  readonly #overload: Condition;
  readonly #badQuality: Condition;
  readonly #batteryLow: Condition;
  readonly #twice: Condition;
  readonly #conditions: readonly Condition[];
  #found = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #heardBy: string | undefined;
  /** Whether the present value is yet to become stale. */
  #fresh = false;

  constructor(config: SensorConfig, ports: Ports, out: Outbox) {
    this.config = config;
    this.#out = out;
    this.#ports = ports;
    this.#policy = policyOf(config.send);
    const interval = config.interval_seconds;
    this.#twins = new TwinWatch(interval === undefined ? undefined : interval * 1000);
    const stale = config.stale_after_seconds ?? (interval === undefined ? never : interval * staleIntervals);
    this.#staleAfter = stale * 1000;
    const subject = tagName(config.tag);
    const tell = (now: number, code: Parameters<Outbox['event']>[1], detail: string) =>
      out.event(now, code, subject, `${config.name}: ${detail}`);
    this.#stale = new Condition('sensor-stale', 'sensor-returned', hold, tell);
    this.#overload = new Condition('sensor-overload', 'sensor-within-limits', hold, tell);
    this.#badQuality = new Condition('sensor-bad-quality', 'sensor-quality-restored', hold, tell);
    this.#batteryLow = new Condition('sensor-battery-low', undefined, longHold, tell);
    this.#twice = new Condition('tag-twice', undefined, longHold, tell);
    this.#conditions = [this.#stale, this.#overload, this.#badQuality, this.#batteryLow, this.#twice];
    this.reschedule();
  }

  /** Whether there is a present value: a number without defects that is not stale. */
  isGood(now: number): boolean {
    return this.#found === 0 && !Number.isNaN(this.number) && now < this.#heardAt + this.#staleAfter;
  }

  take(reading: Reading): void {
    const now = reading.monotonic;
    if (now >= this.due) this.#expire(now);
    const physical = physicalOf(reading);
    const found = defectsOf(reading, physical);
    this.number = physical;
    this.flags = reading.flags;
    this.status = reading.status;
    this.#found = found;
    this.#judge(reading, physical, found);
    this.#heardAt = Math.max(this.#heardAt, now);
    this.#heardBy = reading.port;
    this.#fresh = true;
    const before = this.#out.readings + this.#out.computed;
    this.#policy.take(reading, physical, found, this.#out);
    if (this.#out.readings + this.#out.computed !== before) this.gave = true;
    this.reschedule();
  }

  tick(now: number): void {
    if (now < this.due) return;
    this.#expire(now);
    this.reschedule();
  }

  finish(now: number): void {
    const before = this.#out.readings + this.#out.computed;
    this.#policy.finish(now, this.#out);
    if (this.#out.readings + this.#out.computed !== before) this.gave = true;
    for (const condition of this.#conditions) condition.flush(now);
    this.reschedule();
  }

  /** Works out anew when there is something to do: also after a port has opened or closed. */
  reschedule(): void {
    let due = Math.min(this.#policy.due, this.#staleAt());
    if (this.#fresh) due = Math.min(due, this.#heardAt + this.#staleAfter);
    for (const condition of this.#conditions) if (condition.due < due) due = condition.due;
    this.due = due;
  }

  /** When silence becomes an event: only silence while the port is open counts. */
  #staleAt(): number {
    if (this.#stale.active || this.#staleAfter === never) return never;
    const by = this.#heardBy;
    const since = by === undefined ? this.#ports.allOpenSince : this.#ports.openSince(by);
    return since === undefined ? never : Math.max(this.#heardAt, since) + this.#staleAfter;
  }

  #expire(now: number): void {
    const before = this.#out.readings + this.#out.computed;
    this.#policy.tick(now, this.#out);
    if (this.#out.readings + this.#out.computed !== before) this.gave = true;
    if (this.#fresh && now >= this.#heardAt + this.#staleAfter) {
      this.#fresh = false;
      this.gave = true;
    }
    if (now >= this.#staleAt()) {
      const heardAt = this.#heardAt;
      const by = this.#heardBy;
      this.#stale.begin(now, () =>
        by === undefined ? 'not heard since the start' : `nothing heard for ${seconds(now - heardAt)}`,
      );
    }
    for (const condition of this.#conditions) condition.tick(now);
  }

  #judge(reading: Reading, physical: number, found: number): void {
    const now = reading.monotonic;
    const { profile, overload, unit } = this.config;
    if (this.#stale.active) {
      const silent = now - this.#heardAt;
      this.#stale.end(now, () =>
        Number.isFinite(silent) ? `heard again after ${seconds(silent)}` : 'heard for the first time',
      );
    }
    if ((found & faults) !== 0) {
      if (!this.#badQuality.active) this.#badQuality.begin(now, () => reportOf(reading, found, profile));
    } else if (this.#badQuality.active) {
      this.#badQuality.end(now, () => 'readings are good again');
    }
    if (batteryIsLow(reading, profile)) {
      if (!this.#batteryLow.active)
        this.#batteryLow.begin(now, () => 'the battery of the transmitter is low');
    } else if (this.#batteryLow.active) {
      this.#batteryLow.end(now, () => '');
    }
    this.#judgeTwins(reading, physical);
    if (overload === undefined || found !== 0 || Number.isNaN(physical)) return;
    const { low = Number.NEGATIVE_INFINITY, high = never, hysteresis } = overload;
    if (physical < low || physical > high) {
      if (this.#overload.active) return;
      const [side, limit] = physical < low ? ['below', low] : ['above', high];
      this.#overload.begin(
        now,
        () => `${figure(physical)} ${unit} is ${side} the limit of ${figure(limit as number)} ${unit}`,
      );
    } else if (this.#overload.active && physical >= low + hysteresis && physical <= high - hysteresis) {
      this.#overload.end(now, () => `${figure(physical)} ${unit} is within the limits`);
    }
  }

  #judgeTwins(reading: Reading, physical: number): void {
    // A module that has just been switched on sends a burst.
    if (isPowerUp(reading, this.config.profile)) return;
    this.#twins.take(reading, physical);
    const { evidence } = this.#twins;
    if (evidence === undefined) {
      if (this.#twice.active) this.#twice.end(reading.monotonic, () => '');
    } else if (!this.#twice.active) {
      const { port, base, monotonic } = reading;
      this.#twice.begin(monotonic, () => `${evidence} (port ${port}, base station ${base})`);
    }
  }
}

/** A tag as events name it: four hex digits. */
function tagName(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(4, '0');
}

function figure(number: number): string {
  return String(Number(number.toPrecision(6)));
}

function seconds(milliseconds: number): string {
  return `${figure(Math.round(milliseconds / 100) / 10)} s`;
}
