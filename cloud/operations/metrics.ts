import type { AlarmKind, FleetAlarmKind } from '@loadline/sdk/contract';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The ways in. A label has these values and no others: no name of a device or an organisation is one. */
export type DoorName = 'mqtt' | 'https' | 'socket';

/** How a delivery ended, as its door was told. */
export type DeliveryResult = 'committed' | 'rejected' | 'limited' | 'forbidden' | 'failed';

/** What is asked anew for every scrape, in its unit; undefined where it cannot be said just now. */
export interface Measured {
  /** Open connections by door and kind. */
  readonly connections: () => Promise<readonly { door: DoorName; kind: string; count: number }[]>;
  readonly liveFollowers: () => number;
  readonly writerWaiting: () => number;
  readonly databaseBytes: () => Promise<number | undefined>;
  readonly logBytes: () => Promise<number | undefined>;
  readonly diskFreeBytes: () => Promise<number | undefined>;
  /** Deliveries that stand in the store as they came, and are not chunks yet. */
  readonly mergerBacklog: () => number | undefined;
  /** Slices of merging that failed since the start. */
  readonly mergerFailures: () => number;
  /** Sessions that have begun and not stopped, and records of use that are not on disk yet. */
  readonly accountingOpen: () => number;
  readonly accountingWaiting: () => number;
  readonly mailsWaiting: () => number;
  readonly auditsWaiting: () => number;
  /** Seconds since the audit log was last looked after. */
  readonly auditKeptSeconds: () => number;
  /** Gateways of the fleet by how far they are with a release. */
  readonly updates: () => Promise<readonly { state: string; count: number }[]>;
  /** Rollouts by state. */
  readonly rollouts: () => readonly { state: string; count: number }[];
  /** Whether the repository of releases is signed, and all of it here. */
  readonly releasesSigned: () => boolean;
  /** Seconds until what people have signed of it ends; undefined where there is nothing. */
  readonly releasesHoldSeconds: () => number | undefined;
  readonly isReady: () => Promise<boolean>;
}

/** Bounds of histograms, seconds: a commit on a good disk takes one, on an SD card fifty milliseconds. */
const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Writes in one commit. */
const groupBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];

/**
 * What the cloud counts for Prometheus, and how it is told there. All names begin with `loadline_`, but those that
 * Node's own metrics have everywhere; docs/operations.md has each of them.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #deliveries = this.#counter('deliveries_total', 'Deliveries by how they ended', [
    'door',
    'result',
  ]);
  readonly #readings = this.#counter('readings_total', 'Readings of committed deliveries', [
    'door',
    'result',
  ]);
  readonly #acknowledgement = new Histogram({
    name: 'loadline_acknowledgement_seconds',
    help: 'From a delivery to the moment its door may acknowledge it, the commit included',
    labelNames: ['door'],
    buckets: secondsBuckets,
    registers: [this.#registry],
  });
  readonly #groups = new Histogram({
    name: 'loadline_commit_group_writes',
    help: 'Writes in one transaction',
    buckets: groupBuckets,
    registers: [this.#registry],
  });
  readonly #commits = new Histogram({
    name: 'loadline_commit_seconds',
    help: 'One transaction with its sync, on the writer thread',
    buckets: secondsBuckets,
    registers: [this.#registry],
  });
  readonly #tlsFailures = this.#counter('tls_failures_total', 'Handshakes that came to nothing', ['door']);
  readonly #skipped = this.#counter(
    'live_skipped_total',
    'What live followers did not take in time: messages of MQTT links, readings of event streams',
    ['door'],
  );

  readonly #alarms = this.#counter('alarms_total', 'Alarms that were raised or went on, by kind', ['kind']);

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A delivery has ended, `milliseconds` after it came. */
  delivered(door: DoorName, result: DeliveryResult, milliseconds: number): void {
    this.#deliveries.inc({ door, result });
    this.#acknowledgement.observe({ door }, milliseconds / 1000);
  }

  /** Readings of a committed delivery. */
  readings(door: DoorName, counts: { readonly stored: number; readonly duplicate: number }): void {
    this.#readings.inc({ door, result: 'stored' }, counts.stored);
    this.#readings.inc({ door, result: 'duplicate' }, counts.duplicate);
  }

  /** A group of writes was committed. */
  committed(writes: number, milliseconds: number): void {
    this.#groups.observe(writes);
    this.#commits.observe(milliseconds / 1000);
  }

  tlsFailed(door: DoorName): void {
    this.#tlsFailures.inc({ door });
  }

  skipped(door: DoorName, count: number): void {
    this.#skipped.inc({ door }, count);
  }

  alarmed(kind: AlarmKind | FleetAlarmKind): void {
    this.#alarms.inc({ kind });
  }

  /** Says where what is no counter is asked. */
  measure(measured: Measured): void {
    this.#gauge('connections', 'Open connections', ['door', 'kind'], async (gauge) => {
      const connections = await measured.connections();
      gauge.reset();
      for (const { door, kind, count } of connections) gauge.set({ door, kind }, count);
    });
    const simple = (name: string, help: string, ask: () => MaybePromise<number | undefined>) => {
      this.#gauge(name, help, [], async (gauge) => {
        const value = await ask();
        if (value === undefined) gauge.reset();
        else gauge.set(value);
      });
    };
    simple('live_followers', 'Followers of readings and of events', measured.liveFollowers);
    simple('writer_waiting', 'Writes on their way to the disk', measured.writerWaiting);
    simple('database_bytes', 'Size of the database', measured.databaseBytes);
    simple('database_log_bytes', 'Size of its write-ahead log', measured.logBytes);
    simple('disk_free_bytes', 'Room on the disk of the state folder', measured.diskFreeBytes);
    simple('merger_backlog_deliveries', 'Deliveries not merged into chunks yet', measured.mergerBacklog);
    simple('merger_failures', 'Slices of merging that failed since the start', measured.mergerFailures);
    simple('accounting_open', 'Sessions of devices, applications and people', measured.accountingOpen);
    simple('accounting_waiting', 'Records of use not on disk yet', measured.accountingWaiting);
    simple('mails_waiting', 'Mails not yet handed to the mail server', measured.mailsWaiting);
    simple('audit_waiting', 'Attempts to log in that are not in the audit log yet', measured.auditsWaiting);
    simple('audit_kept_seconds', 'Since the audit log was last looked after', measured.auditKeptSeconds);
    const byState = (
      name: string,
      help: string,
      ask: () => MaybePromise<readonly { state: string; count: number }[]>,
    ) => {
      this.#gauge(name, help, ['state'], async (gauge) => {
        const states = await ask();
        gauge.reset();
        for (const { state, count } of states) gauge.set({ state }, count);
      });
    };
    byState('updates', 'Gateways by how far they are with a release', measured.updates);
    byState('rollouts', 'Rollouts of releases', measured.rollouts);
    simple('releases_signed', '1 where gateways can be updated from the repository', () =>
      Number(measured.releasesSigned()),
    );
    simple(
      'releases_hold_seconds',
      'Until root or targets have to be signed anew',
      measured.releasesHoldSeconds,
    );
    this.measureReadiness(measured.isReady);
  }

  /** Says where it is asked whether deliveries are taken in: all there is to be said of a cloud that is fenced. */
  measureReadiness(isReady: () => Promise<boolean>): void {
    this.#gauge('ready', '1 where deliveries are taken in', [], async (gauge) => {
      gauge.set(Number(await isReady()));
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it, as Prometheus reads it. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({
      name: `loadline_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge<const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => MaybePromise<void>,
  ): Gauge<L> {
    return new Gauge<L>({
      name: `loadline_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        return collect(this);
      },
    });
  }
}

type MaybePromise<T> = T | Promise<T>;
