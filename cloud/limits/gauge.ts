import type { Code } from '@loadline/sdk/contract';
import type { Spending, Spent } from '../accounting/index.ts';
import { Bucket } from './bucket.ts';

/** Something was put off: what to do, and by what limit. */
export interface Limited {
  readonly kind: 'limited';
  readonly code: Extract<Code, 'rate-limited' | 'quota-exceeded' | 'too-many-connections'>;
  /** After which it is worth trying again. */
  readonly milliseconds: number;
  /** The same in whole seconds, at least one. */
  readonly retryAfterSeconds: number;
  /** The limit's name: `device-messages`, `organisation-bytes-per-day`. */
  readonly policy: string;
}

/** What is left of a limit: for RateLimit headers. */
export interface Standing {
  readonly policy: string;
  /** How much there is in `windowSeconds`. */
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Seconds until it is all there again. */
  readonly resetSeconds: number;
}

/** Limits of anything that has some. What is undefined or null is not limited. */
export type GaugeLimits = { readonly [K in keyof typeof kinds]?: number | null | undefined };

/** What each limit is of. */
const kinds = {
  messagesPerSecond: 'rate',
  readingsPerSecond: 'rate',
  bytesPerSecond: 'rate',
  requestsPerSecond: 'rate',
  connectionsPerMinute: 'rate',
  connections: 'number',
  messagesPerDay: 'quota',
  readingsPerDay: 'quota',
  bytesPerDay: 'quota',
  connectionMinutesPerDay: 'quota',
  messagesPerMonth: 'quota',
  readingsPerMonth: 'quota',
  bytesPerMonth: 'quota',
  connectionMinutesPerMonth: 'quota',
} as const;

/** Of its rates. */
type Buckets = Record<'messages' | 'readings' | 'bytes' | 'requests' | 'connections', Bucket | undefined>;

/** What is waited for before something is done: deliveries, what people and programs ask, connections. */
type Act = 'deliver' | 'ask' | 'connect';

interface Rule {
  readonly policy: string;
  readonly code: Limited['code'];
  /** Milliseconds until it lets something through; 0: now. `now`: monotonic. */
  wait(now: number): number;
  standing(now: number): Standing;
}

const minuteMilliseconds = 60_000;

/** Whether any of these is a quota. */
export function hasQuotas(limits: GaugeLimits): boolean {
  return (Object.keys(limits) as (keyof GaugeLimits)[]).some(
    (name) => kinds[name] === 'quota' && typeof limits[name] === 'number',
  );
}

/** One that is limited: a device, a credential, an organisation, an address. Those that share a limit share it. */
export class Gauge {
  readonly #of: string;
  readonly #spending: Spending | undefined;
  readonly #tally: Spending | undefined;
  readonly #now: () => number;
  readonly #burstSeconds: number;
  #rules: { readonly [A in Act]: readonly Rule[] } = { deliver: [], ask: [], connect: [] };
  #buckets: Partial<Buckets> = {};
  #limits: GaugeLimits = {};
  /** Connections that are open now. */
  connections = 0;

  /**
   * `of`: begins the names of its limits. `now`: ms since 1970. `burstSeconds`: how much of a rate may come at once.
   * `spending`: what its quotas are of; `tally`: the same where nobody else counts it, so that the gauge does.
   */
  constructor(parts: {
    of: string;
    spending?: Spending | undefined;
    tally?: Spending | undefined;
    burstSeconds: number;
    now: () => number;
  }) {
    this.#of = parts.of;
    this.#spending = parts.spending ?? parts.tally;
    this.#tally = parts.tally;
    this.#burstSeconds = parts.burstSeconds;
    this.#now = parts.now;
  }

  get limits(): GaugeLimits {
    return this.#limits;
  }

  /** Has these limits from now on; a rate that is as it was goes on as it is. `now`: monotonic, ms. */
  limit(limits: GaugeLimits, now: number): void {
    const known = this.#buckets;
    const bucket = (one: Bucket | undefined, rate: number | null | undefined, seconds: number) => {
      if (rate === undefined || rate === null) return undefined;
      return one?.rate === rate ? one : new Bucket(rate, rate * seconds, now);
    };
    const burst = this.#burstSeconds;
    const perMinute = limits.connectionsPerMinute;
    const buckets: Buckets = {
      messages: bucket(known.messages, limits.messagesPerSecond, burst),
      readings: bucket(known.readings, limits.readingsPerSecond, burst),
      bytes: bucket(known.bytes, limits.bytesPerSecond, burst),
      requests: bucket(known.requests, limits.requestsPerSecond, burst),
      connections: bucket(known.connections, perMinute && perMinute / 60, 60),
    };
    const rates = (...names: (keyof Buckets)[]) =>
      names.flatMap((name) => {
        const one = buckets[name];
        return one === undefined ? [] : [rateRule(`${this.#of}-${name}`, one)];
      });
    this.#limits = limits;
    this.#buckets = buckets;
    this.#rules = {
      deliver: [...rates('messages', 'readings', 'bytes'), ...this.#quotas('messages', 'readings', 'bytes')],
      ask: rates('requests'),
      connect: [...rates('connections'), ...this.#atATime(), ...this.#quotas('milliseconds')],
    };
  }

  /** What is in the way of that now; undefined where nothing. `now`: monotonic, ms. */
  inTheWay(act: Act, now: number): Limited | undefined {
    for (const rule of this.#rules[act]) {
      const wait = rule.wait(now);
      if (wait > 0) {
        const retryAfterSeconds = Math.max(1, Math.ceil(wait / 1000));
        return {
          kind: 'limited',
          code: rule.code,
          milliseconds: wait,
          retryAfterSeconds,
          policy: rule.policy,
        };
      }
    }
    return undefined;
  }

  /** A delivery of so many bytes was taken in. */
  delivered(bytes: number, now: number): void {
    this.#buckets.messages?.take(1, now);
    this.#buckets.bytes?.take(bytes, now);
    if (this.#tally === undefined) return;
    this.#tally.messages += 1;
    this.#tally.bytes += bytes;
  }

  /** So many readings were in it. */
  read(readings: number, now: number): void {
    this.#buckets.readings?.take(readings, now);
    if (this.#tally !== undefined) this.#tally.readings += readings;
  }

  /** A connection has stood for so many milliseconds more. */
  stood(milliseconds: number): void {
    if (this.#tally !== undefined) this.#tally.milliseconds += milliseconds;
  }

  /** Another day begins, and maybe another month. */
  turn(to: 'day' | 'month'): void {
    this.#tally?.turn(to);
  }

  /** Something was asked. */
  asked(now: number): void {
    this.#buckets.requests?.take(1, now);
  }

  /** A connection was taken. */
  connected(now: number): void {
    this.connections += 1;
    this.#buckets.connections?.take(1, now);
  }

  /** What its limits leave. */
  standings(act: Act, now: number): Standing[] {
    return this.#rules[act].map((rule) => rule.standing(now));
  }

  #atATime(): Rule[] {
    const { connections: most } = this.#limits;
    if (most === undefined || most === null) return [];
    const policy = `${this.#of}-connections-at-a-time`;
    return [
      {
        policy,
        code: 'too-many-connections',
        // When another one ends nobody knows: in a minute it is worth asking.
        wait: () => (this.connections < most ? 0 : minuteMilliseconds),
        standing: () => ({
          ...{ policy, quota: most, windowSeconds: 60 },
          ...{ remaining: Math.max(0, most - this.connections), resetSeconds: 60 },
        }),
      },
    ];
  }

  #quotas(...of: Spent[]): Rule[] {
    const spending = this.#spending;
    if (spending === undefined) return [];
    return of.flatMap((what) =>
      (['day', 'month'] as const).flatMap((per): Rule[] => {
        const most = this.#most(what, per);
        if (most === undefined || most === null) return [];
        const policy = `${this.#of}-${what === 'milliseconds' ? 'connection-time' : what}-per-${per}`;
        const used = () => (per === 'day' ? spending.ofDay(what) : spending.ofMonth(what));
        const untilNext = () => nextPeriod(per, this.#now()) - this.#now();
        return [
          {
            policy,
            code: 'quota-exceeded',
            wait: () => (used() < most ? 0 : untilNext()),
            standing: () => ({
              ...{ policy, quota: most, windowSeconds: per === 'day' ? 86_400 : 31 * 86_400 },
              remaining: Math.max(0, Math.floor(most - used())),
              resetSeconds: Math.ceil(untilNext() / 1000),
            }),
          },
        ];
      }),
    );
  }

  #most(what: Spent, per: 'day' | 'month'): number | null | undefined {
    const limits = this.#limits;
    const day = per === 'day';
    switch (what) {
      case 'messages':
        return day ? limits.messagesPerDay : limits.messagesPerMonth;
      case 'readings':
        return day ? limits.readingsPerDay : limits.readingsPerMonth;
      case 'bytes':
        return day ? limits.bytesPerDay : limits.bytesPerMonth;
      case 'milliseconds': {
        const minutes = day ? limits.connectionMinutesPerDay : limits.connectionMinutesPerMonth;
        return minutes === undefined || minutes === null ? minutes : minutes * minuteMilliseconds;
      }
    }
  }
}

function rateRule(policy: string, bucket: Bucket): Rule {
  const windowSeconds = Math.max(1, Math.round(bucket.capacity / bucket.rate));
  return {
    policy,
    code: 'rate-limited',
    wait: (now) => bucket.wait(now),
    standing: (now) => {
      const remaining = bucket.left(now);
      const resetSeconds = Math.ceil((bucket.capacity - remaining) / bucket.rate);
      return { policy, quota: Math.floor(bucket.capacity), windowSeconds, remaining, resetSeconds };
    },
  };
}

/** When the next day or month begins (UTC), ms since 1970. */
function nextPeriod(per: 'day' | 'month', now: number): number {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return per === 'month' ? Date.UTC(year, month + 1) : Date.UTC(year, month, date.getUTCDate() + 1);
}
