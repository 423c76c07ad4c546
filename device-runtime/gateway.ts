import { readFileSync } from 'node:fs';
import type { ReportedMessage } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Anchor, Entry } from '@loadline/sdk/telemetry';
import type { BindingInterface } from '@serialport/bindings-cpp';
import { Binder, type Heard } from './bind/index.ts';
import { anchorDue, anchorNow, type Clock } from './clock/index.ts';
import type { Config } from './config/index.ts';
import { composeHealth, HealthReporter } from './health/index.ts';
import { type Identity, loadIdentity } from './identity/index.ts';
import { MemoryJournal } from './journal/index.ts';
import type { Latencies } from './progress.ts';
import { RadioPort } from './radio/index.ts';
import { connectLink, Uplink } from './uplink/index.ts';
import { version } from './version.ts';

/** The world, as far as a gateway touches it. */
export interface World {
  readonly binding: BindingInterface;
  readonly clock: Clock;
  readonly log: Log;
  /** A number 0 <= n < 1. */
  readonly random: () => number;
}

/** Milliseconds between two looks at whether the wall clock was moved. */
const clockMilliseconds = 2000;
/** Milliseconds that what is held may still take when the gateway is told to stop. */
const drainMilliseconds = 5000;
/** Milliseconds the last word to the cloud may take. */
const farewellMilliseconds = 1000;
/** Milliseconds between two log lines about dropped readings. */
const dropLogMilliseconds = 60_000;

/**
 * The whole runtime: radio -> bind -> journal -> uplink. What is heard is kept from the first moment; the uplink
 * follows when there is an identity and a network.
 */
export class Gateway {
  readonly #config: Config;
  readonly #world: World;
  readonly #journal: MemoryJournal;
  readonly #binder: Binder;
  readonly #ports: readonly RadioPort[];
  readonly #uplink: Uplink;
  readonly #health: HealthReporter;
  readonly #latencies: Latencies | undefined;
  readonly #stopping = new AbortController();
  readonly #startedAt: number;
  readonly #authorityPem: string;
  readonly #timers: NodeJS.Timeout[] = [];
  #identity: Identity | undefined;
  #lastAnchor: Anchor;
  #acknowledged = 0;
  #dropsLoggedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param latencies where to note how long readings take; left out where nobody asks
   * @throws Error when the authority's file cannot be read
   */
  constructor(config: Config, world: World, latencies?: Latencies) {
    const { clock, log, binding } = world;
    this.#config = config;
    this.#world = world;
    this.#latencies = latencies;
    this.#authorityPem = readFileSync(config.uplink.authority, 'utf8');
    this.#startedAt = clock.monotonic();
    this.#journal = new MemoryJournal(config.journal.max_bytes);
    this.#binder = new Binder({
      configured: config.sensors.map(({ tag }) => tag),
      sightings: config.unconfigured.sightings,
      maxSeries: config.unconfigured.max_series,
      copyWindow: config.copies.window_ms,
    });
    this.#ports = config.ports.map(
      (port) =>
        new RadioPort({
          port,
          binding,
          clock,
          log,
          onHeard: (heard) => this.#heard(heard),
          onChange: () => this.#health.changed(),
        }),
    );
    this.#uplink = new Uplink({
      journal: this.#journal,
      clock,
      log,
      random: world.random,
      limits: { windowBytes: config.uplink.window_bytes, maxDelay: config.uplink.max_delay_ms },
      connect: () => this.#connect(),
      onConnected: (publish) => {
        publish('reported', JSON.stringify(reportedOf(config))).catch(() => {});
        void this.#health.report();
      },
      onAcknowledged: (entries) => this.#retired(entries),
    });
    this.#health = new HealthReporter({
      compose: () => this.health(),
      publish: (message) => this.#uplink.publish('health', JSON.stringify(message)),
    });
    // The first entry of an epoch: nothing that follows is ever without a time.
    this.#lastAnchor = anchorNow(clock);
    this.#append(this.#lastAnchor);
  }

  /**
   * Starts reading, and resolves when the gateway has an identity and works on its uplink.
   *
   * @throws IdentityMissing where somebody has to act first
   */
  async start(): Promise<void> {
    const { log, random } = this.#world;
    log.info('gateway-start', { version, gateway: this.#config.gateway.id, epoch: this.#journal.epoch });
    for (const port of this.#ports) port.open();
    this.#timers.push(setInterval(() => this.#watchClock(), clockMilliseconds));
    this.#identity = await loadIdentity({
      config: this.#config,
      authorityPem: this.#authorityPem,
      log,
      random,
      signal: this.#stopping.signal,
    });
    this.#uplink.start();
    this.#health.start();
  }

  /** Stops reading, sends what is held (within a limit), says the last counts, and disconnects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#ports.map((port) => port.stop()));
    if (this.#identity !== undefined) {
      await this.#uplink.drain(drainMilliseconds);
      await Promise.race([this.#health.finish(), elapsed(farewellMilliseconds)]);
      await this.#uplink.stop();
    }
    const { held } = this.#journal;
    this.#world.log.info('gateway-stop', { acknowledged: this.#acknowledged, unacknowledged: held });
  }

  /** The gateway's ledger as it is now. */
  health() {
    return composeHealth({
      journal: this.#journal,
      ports: this.#ports.map(({ ledger }) => ledger),
      binding: this.#binder.ledger,
      uplink: this.#uplink,
      uptimeSeconds: Math.max(0, (this.#world.clock.monotonic() - this.#startedAt) / 1000),
    });
  }

  /** What `--progress` shows. */
  progress() {
    const { frames, readings } = this.#binder.ledger;
    return {
      frames,
      readings,
      acknowledged: this.#acknowledged,
      inFlight: this.#uplink.inFlight,
      held: this.#journal.held,
      connected: this.#uplink.isConnected,
      latencyMs: this.#latencies?.take() ?? { p50: null, p99: null },
    };
  }

  #heard(heard: readonly Heard[]): void {
    for (const each of heard) {
      const bound = this.#binder.bind(each);
      if (bound.kind === 'reading') this.#append(bound.reading);
    }
  }

  #append(entry: Entry): void {
    const before = this.#journal.dropped;
    this.#journal.append(entry);
    if (this.#journal.dropped > before) this.#logDrops();
    this.#uplink.appended(entry);
  }

  #logDrops(): void {
    const now = this.#world.clock.monotonic();
    if (now - this.#dropsLoggedAt < dropLogMilliseconds) return;
    this.#dropsLoggedAt = now;
    this.#world.log.warn('journal-full', { dropped: this.#journal.dropped, held: this.#journal.held });
  }

  #retired(entries: readonly Entry[]): void {
    for (const { kind } of entries) if (kind === 'reading') this.#acknowledged++;
    this.#latencies?.acknowledged(entries, this.#world.clock.monotonic());
    this.#health.changed();
  }

  #watchClock(): void {
    const now = anchorNow(this.#world.clock);
    if (!anchorDue(this.#lastAnchor, now)) return;
    this.#lastAnchor = now;
    this.#append(now);
  }

  #connect() {
    const { host, port, keepalive_seconds } = this.#config.uplink;
    return connectLink({
      host,
      port,
      gatewayId: this.#config.gateway.id,
      keepaliveSeconds: keepalive_seconds,
      authorityPem: this.#authorityPem,
      ...(this.#identity as Identity),
      onNotice: ({ code, detail }) => this.#world.log.warn('notice', { code, detail }),
    });
  }
}

function reportedOf({ sensors }: Config): ReportedMessage {
  return {
    version: 1,
    runtime: `loadline-gateway ${version}`,
    sensors: sensors.map(({ tag, name, unit, interval_seconds, simulated }) => ({
      tag,
      name,
      unit,
      simulated,
      ...(interval_seconds !== undefined && { intervalSeconds: interval_seconds }),
    })),
  };
}

/** Does not keep the process alive by itself. */
function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
