import type { DeviceLimits, OrganisationLimits } from '@loadline/sdk/api';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../access/index.ts';
import {
  type Account,
  type Accounting,
  type Door,
  Spending,
  type Subject,
  subjectOf,
} from '../accounting/index.ts';
import { sourceOf } from '../guard/index.ts';
import { addressList } from './addresses.ts';
import { Gauge, type GaugeLimits, hasQuotas, type Limited } from './gauge.ts';
import { Meter } from './meter.ts';
import { type FleetLimits, settled, usualLimits } from './settings.ts';

/** Credentials and addresses whose buckets are remembered; those that were used longest ago go first, and begin full. */
const mostRemembered = 50_000;

/** What has been set, as the store has it. */
export interface LimitSettings {
  readonly of: 'organisation' | 'device';
  readonly id: string;
  /** JSON. */
  readonly settings: string;
}

/** Counts and limits whatever comes in: the doors ask it for a meter, and the meter for the rest. */
export class Metering {
  readonly #accounting: Accounting;
  readonly #fleet: FleetLimits;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #exempt: (address: string) => boolean;
  /** Monotonic ms of the last tick, and the day (UTC) that it was. */
  #ticked: number;
  #today: string;
  readonly #gauges = new Map<string, Gauge>();
  readonly #passing = new LRUCache<string, Gauge>({ max: mostRemembered });
  readonly #set = {
    organisation: new Map<string, OrganisationLimits>(),
    device: new Map<string, DeviceLimits>(),
  };
  /** The meter of each session without a connection, for the address that it came from last. */
  readonly #visits = new WeakMap<Account, { readonly source: string; readonly meter: Meter }>();
  /** Meters of connections, and what ends each where its time is used up. */
  readonly #links = new Map<Meter, (limited: Limited) => void>();

  /** `now`: ms since 1970; `monotonic`: ms. */
  constructor(parts: {
    accounting: Accounting;
    limits?: FleetLimits;
    settings?: readonly LimitSettings[];
    now: () => number;
    monotonic: () => number;
  }) {
    this.#accounting = parts.accounting;
    this.#fleet = parts.limits ?? usualLimits;
    this.#now = parts.now;
    this.#monotonic = parts.monotonic;
    this.#ticked = parts.monotonic();
    this.#today = new Date(parts.now()).toISOString().slice(0, 10);
    this.#exempt = addressList(this.#fleet.address.exempt);
    for (const { of, id, settings } of parts.settings ?? []) this.#set[of].set(id, JSON.parse(settings));
  }

  /**
   * A connection begins. What is in the way of it is said; where nothing is, its meter, to be ended with it. `onOver` is
   * called when a quota of its time is used up.
   */
  begin(
    principal: Principal,
    { door, source }: { readonly door: Door; readonly source: string },
    onOver: (limited: Limited) => void,
  ): Meter | Limited {
    const subject = subjectOf(principal, '');
    const gauges = this.#gaugesOf(subject, source);
    const limited = subject.kind === 'device' ? this.#refusal(gauges) : undefined;
    if (limited !== undefined) return limited;
    if (subject.kind === 'device') for (const gauge of gauges) gauge.connected(this.#monotonic());
    const account = this.#accounting.begin(subject, door, source);
    const meter: Meter = new Meter({
      ...{ account, gauges, monotonic: this.#monotonic },
      onEnd: () => {
        if (!this.#links.delete(meter)) return;
        if (subject.kind === 'device') for (const gauge of gauges) gauge.connections -= 1;
      },
    });
    this.#links.set(meter, onOver);
    return meter;
  }

  /** The meter of who comes without a connection of his own; to be asked for each time. `organisation`: see `subjectOf`. */
  visit(
    principal: Principal,
    { door, source }: { readonly door: Door; readonly source: string },
    organisation = '',
  ): Meter {
    const subject = subjectOf(principal, organisation);
    const account = this.#accounting.visit(subject, door, source);
    const known = this.#visits.get(account);
    if (known?.source === source) return known.meter;
    const gauges = this.#gaugesOf(subject, source);
    const meter = new Meter({ account, gauges, monotonic: this.#monotonic, onEnd: () => {} });
    this.#visits.set(account, { source, meter });
    return meter;
  }

  /** What holds for an organisation, for all of its devices together; or for one of them. */
  limitsOf(of: 'organisation', id: string): OrganisationLimits;
  limitsOf(of: 'device', id: string): DeviceLimits;
  limitsOf(of: 'organisation' | 'device', id: string): OrganisationLimits {
    return of === 'organisation'
      ? settled(this.#fleet.organisation, this.#set.organisation.get(id))
      : settled(this.#fleet.device, this.#set.device.get(id));
  }

  /** What somebody has set of them; nothing where nobody has. */
  setOf(of: 'organisation' | 'device', id: string): OrganisationLimits {
    return this.#set[of].get(id) ?? {};
  }

  /** These were set: to be called once they are stored. Links that stand are held to them at once. */
  set(of: 'organisation' | 'device', id: string, limits: OrganisationLimits): void {
    this.#set[of].set(id, limits);
    this.#gauges.get(`${of} ${id}`)?.limit(this.limitsOf(of as 'organisation', id), this.#monotonic());
  }

  /** What is used of what there is quotas of. */
  spending(of: 'organisation' | 'device', id: string) {
    return this.#accounting.spending(of, id);
  }

  /** To be called every few seconds: connections whose time is used up end. */
  tick(): void {
    this.#turn();
    const now = this.#monotonic();
    for (const [meter, onOver] of this.#links) {
      meter.stood(now - this.#ticked);
      const limited = meter.overstayed();
      if (limited !== undefined) onOver(limited);
    }
    this.#ticked = now;
  }

  /** What credentials and addresses have used is of a day and a month (UTC). A clock that is set back gives nothing back. */
  #turn(): void {
    const today = new Date(this.#now()).toISOString().slice(0, 10);
    if (today <= this.#today) return;
    const to = today.slice(0, 7) === this.#today.slice(0, 7) ? 'day' : 'month';
    this.#today = today;
    for (const gauge of this.#passing.values()) gauge.turn(to);
  }

  #refusal(gauges: readonly Gauge[]): Limited | undefined {
    for (const gauge of gauges) {
      const limited = gauge.inTheWay('connect', this.#monotonic());
      if (limited !== undefined) return limited;
    }
    return undefined;
  }

  #gaugesOf({ kind, id, organisation, credential }: Subject, source: string): Gauge[] {
    const { address, credential: ofCredential } = this.#fleet;
    // Of those who come without a credential of their own, the subject is it.
    const gauges = [this.#passingGauge(`credential ${kind} ${credential ?? id}`, 'credential', ofCredential)];
    if (organisation !== '') gauges.push(this.#gauge('organisation', organisation));
    if (kind !== 'device') return gauges;
    gauges.unshift(this.#gauge('device', id));
    if (!this.#exempt(source)) {
      // Connections of an address are counted before anybody is known: see `arrivals.ts`.
      const { exempt: _, connections: __, connectionsPerMinute: ___, ...delivered } = address;
      gauges.push(this.#passingGauge(`address ${sourceOf(source).place}`, 'address', delivered));
    }
    return gauges;
  }

  #gauge(of: 'device' | 'organisation', id: string): Gauge {
    const key = `${of} ${id}`;
    const known = this.#gauges.get(key);
    if (known !== undefined) return known;
    const gauge = this.#made(of, this.limitsOf(of as 'organisation', id), id);
    this.#gauges.set(key, gauge);
    return gauge;
  }

  #passingGauge(key: string, of: 'credential' | 'address', limits: GaugeLimits): Gauge {
    const known = this.#passing.get(key);
    if (known !== undefined) return known;
    const gauge = this.#made(of, limits);
    this.#passing.set(key, gauge);
    return gauge;
  }

  #made(of: 'device' | 'organisation' | 'credential' | 'address', limits: GaugeLimits, id?: string): Gauge {
    const counted = id !== undefined && (of === 'device' || of === 'organisation');
    const gauge = new Gauge({
      of,
      spending: counted ? this.#accounting.spending(of, id) : undefined,
      tally: !counted && hasQuotas(limits) ? new Spending() : undefined,
      burstSeconds: this.#fleet.burstSeconds,
      now: this.#now,
    });
    gauge.limit(limits, this.#monotonic());
    return gauge;
  }
}
