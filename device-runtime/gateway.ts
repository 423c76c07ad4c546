import { join } from 'node:path';
import { limits, type ReportedMessage } from '@loadline/sdk/contract';
import { type Driver, loadDriver } from '@loadline/sdk/driver';
import { makePrivateFolder } from '@loadline/sdk/platform';
import type { Entry, EventWords, Reading } from '@loadline/sdk/telemetry';
import { Account } from './account.ts';
import { readAuthority } from './authority.ts';
import { readFloors, Timekeeper, tickMilliseconds, touchedAt, writeFloor } from './clock/index.ts';
import type { Config, LocalConfig } from './config/index.ts';
import { LocalControl } from './control/index.ts';
import { checkDesired } from './desired-check.ts';
import { clip, Downlink } from './downlink/index.ts';
import { Generations } from './generations.ts';
import { Happenings } from './happenings.ts';
import {
  forgetWedge,
  HealthReporter,
  readWedge,
  serviceManager,
  type Verdict,
  verdictLine,
  Watchdog,
} from './health/index.ts';
import { Trust } from './identity/index.ts';
import { IdentityKeeper } from './identity-keeper.ts';
import { Intake, readDerivedState } from './intake.ts';
import { DiskJournal, heldReadings } from './journal/index.ts';
import { LinkKeeper } from './link-keeper.ts';
import type { Latencies } from './progress.ts';
import { reportedOf } from './reported.ts';
import type { Delivered } from './uplink/index.ts';
import { madeAt, version } from './version.ts';
import type { World } from './world.ts';

/** Milliseconds that what is held may still take when the gateway is told to stop. */
const drainMilliseconds = 5000;
/** Milliseconds the last word to the cloud may take. */
const farewellMilliseconds = 1000;

/**
 * The whole runtime: radio -> bind -> sensors -> journal -> uplink, and what stands beside it. What is heard is kept
 * from the first moment; the uplink follows when there is an identity and a network.
 */
export class Gateway {
  readonly #own: Config;
  readonly #world: World;
  readonly #account: Account;
  readonly #journal: DiskJournal;
  readonly #drivers: readonly Driver[];
  readonly #timekeeper: Timekeeper;
  readonly #downlink: Downlink<Config>;
  readonly #generations: Generations;
  readonly #control: LocalControl;
  readonly #links: LinkKeeper;
  readonly #identities: IdentityKeeper;
  readonly #happenings: Happenings;
  #isStopping = false;
  #config: Config;
  /** What each configured tag is called. */
  #names: ReadonlyMap<number, ReportedMessage['sensors'][number]> = new Map();
  /** There are these from `#settle` on, before anybody gets hold of this gateway. */
  #intake!: Intake;
  #health!: HealthReporter;
  #watchdog!: Watchdog;
  #clockTimer: NodeJS.Timeout | undefined;
  #delivered: Delivered | undefined;
  /** Called for each frame that was bound, whatever its sensor's policy makes of it. */
  onHeard: ((reading: Reading) => void) | undefined;

  /**
   * Opens the journal and settles the configuration: the file's, or one that the cloud desired.
   *
   * @param latencies where to note how long readings take; left out where nobody asks
   * @throws FolderInUse where another gateway has the state folder; Error where the authority's file or a driver
   * cannot be read
   */
  static async open(local: LocalConfig, world: World, latencies?: Latencies): Promise<Gateway> {
    const { clock, log } = world;
    const { gateway, journal, drivers } = local.config;
    const authorityPem = readAuthority(local.config.uplink.authority);
    await makePrivateFolder(gateway.state);
    const trust = await Trust.open({ state: gateway.state, authorityPem, log });
    const loaded = await Promise.all(drivers.map(loadDriver));
    let happened: (happening: EventWords) => void = () => {};
    const disk = await DiskJournal.open({
      folder: join(gateway.state, 'journal'),
      boot: clock.boot,
      maxBytes: journal.max_bytes,
      flushMilliseconds: journal.flush_seconds * 1000,
      now: clock.wall,
      monotonic: clock.monotonic,
      // Never called before it is open.
      onEvent: ({ code, detail }) => happened({ code, subject: '', detail }),
    });
    const opened = new Gateway(local, world, latencies, { disk, drivers: loaded, trust });
    happened = (happening) => opened.#happenings.happened(happening);
    log.info('gateway-start', { version, gateway: gateway.id, epoch: disk.epoch });
    await opened.#settle();
    return opened;
  }

  private constructor(
    local: LocalConfig,
    world: World,
    latencies: Latencies | undefined,
    parts: { readonly disk: DiskJournal; readonly drivers: readonly Driver[]; readonly trust: Trust },
  ) {
    const { clock, log } = world;
    const { config } = local;
    const { state } = config.gateway;
    this.#own = config;
    this.#config = config;
    this.#world = world;
    this.#journal = parts.disk;
    this.#drivers = parts.drivers;
    this.#happenings = new Happenings({
      log,
      monotonic: clock.monotonic,
      append: (entry) => this.#append(entry),
      show: (event) => this.#control.event(event),
    });
    const onEvent = (event: EventWords) => this.#happenings.happened(event);
    const time = () => this.#timekeeper.time();
    this.#timekeeper = new Timekeeper({
      clock,
      log,
      floors: readFloors({ state, savedFile: config.clock.saved_file, built: madeAt, log }),
      synchronizedAt: () => touchedAt(config.clock.synchronized_file),
      ask: (question) => void this.#links.publish('clock', JSON.stringify(question)),
      keepFloor: (wall) => writeFloor(state, wall),
      onAnchor: (anchor) => this.#append(anchor),
      onEvent,
    });
    this.#links = new LinkKeeper({
      world,
      journal: parts.disk,
      authorityPem: () => parts.trust.pem,
      gatewayId: config.gateway.id,
      time,
      onConnected: (identity) => {
        this.#identities.connected(identity);
        this.#connected();
      },
      onDisconnected: () => {
        this.#timekeeper.disconnected();
        this.#health.changed();
      },
      onAcknowledged: (times, first) => this.#retired(times, first),
      onAnswered: () => this.#downlink.confirmed(),
      onContest: (code, detail) =>
        onEvent({ code, subject: '', detail: clip(detail, limits.eventDetailBytes) }),
      onMessage: (channel, payload) => {
        if (channel === 'time') {
          const answer = Buffer.from(payload).toString('utf8');
          this.#timekeeper.answered(answer);
          this.#generations.answered(answer);
        } else this.#downlink.received(channel, payload);
      },
    });
    this.#identities = new IdentityKeeper({
      own: config,
      inForce: () => this.#config,
      world,
      trust: parts.trust,
      time,
      links: this.#links,
      onEvent,
    });
    this.#generations = new Generations({
      state,
      log,
      onRestored: (detail) => {
        onEvent({ code: 'cloud-restored', subject: '', detail });
        // What it knew of this gateway is as old as its backup.
        this.#report();
        void this.#health.report();
      },
    });
    this.#downlink = new Downlink<Config>({
      state,
      own: config,
      check: checkDesired(local, parts.drivers),
      apply: (desired) => this.#switchTo(desired),
      onChange: () => this.#report(),
      execute: {
        transmit: (command, until) => this.#intake.transmit(command, until),
        'reset-derived': (command) => this.#intake.resetDerived(command),
        report: async () => {
          await this.#health.report();
          return 'reported';
        },
      },
      publish: (channel, json) => this.#links.publish(channel, json),
      time,
      monotonic: clock.monotonic,
      onEvent,
      log,
    });
    this.#control = new LocalControl({
      path: config.control.socket,
      nameOf: (tag) => this.#names.get(tag),
      monotonic: clock.monotonic,
      facts: () => this.#account.facts(),
      log,
    });
    this.#account = new Account({
      world,
      gatewayId: config.gateway.id,
      journal: parts.disk,
      links: this.#links,
      timekeeper: this.#timekeeper,
      latencies,
      present: () => ({
        config: this.#config,
        intake: this.#intake,
        identity: this.#identities.identity,
        revision: this.#downlink.configuration().revision,
      }),
      verdict: () => this.#watchdog.verdict,
    });
  }

  /**
   * Starts reading, and resolves when the gateway has an identity and works on its uplink.
   *
   * @throws IdentityMissing where somebody has to act first
   */
  async start(): Promise<void> {
    const { log } = this.#world;
    this.#intake.open();
    this.#clockTimer = setInterval(() => {
      this.#timekeeper.tick();
      this.#identities.tick();
    }, tickMilliseconds);
    this.#watchdog.start();
    await this.#control.open().catch((error: Error) => {
      log.warn('control-unavailable', { reason: error.message });
    });
    const identity = await this.#identities.load();
    this.#links.start(this.#config, identity);
    this.#health.start();
  }

  /** Stops reading, sends what is held (within a limit), says the last counts, and leaves all of it in order. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const identityStopped = this.#identities.stop();
    this.#downlink.stop();
    this.#generations.stop();
    await this.#watchdog.stop();
    await this.#control.close();
    clearInterval(this.#clockTimer);
    await this.#intake.stop();
    if (this.#identities.identity !== undefined) {
      await this.#links.drain(drainMilliseconds);
      await Promise.race([this.#health.finish(), elapsed(farewellMilliseconds)]);
      await this.#links.stop();
    }
    await identityStopped;
    await this.#timekeeper.stop();
    this.#happenings.stop();
    const { held } = this.#journal;
    await this.#journal.close();
    this.#world.log.info('gateway-stop', { acknowledged: this.#account.acknowledged, unacknowledged: held });
  }

  /** The last reading of this run that the cloud is known to have; undefined before the first. */
  get delivered(): Delivered | undefined {
    return this.#delivered;
  }

  /** Readings that the cloud does not have. */
  get undelivered(): number {
    return heldReadings(this.#journal);
  }

  /** What its watchdog judged last. */
  get verdict(): Verdict {
    return this.#watchdog.verdict;
  }

  /** What `--progress` shows. */
  progress() {
    return this.#account.progress();
  }

  /** Which configuration is in force, what the run before this one left, and what time it is. */
  async #settle(): Promise<void> {
    const { state } = this.#own.gateway;
    this.#timekeeper.tick();
    await this.#generations.open();
    const config = await this.#downlink.open();
    this.#takeUp(config, await readDerivedState(this.#own, this.#world.log));
    this.#watchdog = this.#makeWatchdog();
    this.#happenings.happened({ code: 'gateway-started', subject: '', detail: `version ${version}` });
    const wedged = await readWedge(state);
    if (wedged === undefined) return;
    this.#happenings.happened({ code: 'gateway-wedged', subject: '', detail: wedged });
    await this.#journal.flush();
    await forgetWedge(state);
  }

  #makeWatchdog(): Watchdog {
    const { log, environment, pid } = this.#world;
    const { gateway } = this.#own;
    const inForce = () => this.#config;
    return new Watchdog({
      look: () => this.#account.look(),
      manager: serviceManager({
        environment,
        pid,
        onFailure: (reason) => log.warn('watchdog-not-told', { reason }),
      }),
      patience: {
        get wedged() {
          return inForce().health.wedged_seconds * 1000;
        },
        get gather() {
          return inForce().uplink.max_delay_ms;
        },
      },
      state: gateway.state,
      log,
      status: () => verdictLine(this.#watchdog.verdict),
    });
  }

  #takeUp(config: Config, restored: unknown): void {
    this.#configure(config);
    this.#intake = new Intake({
      config,
      drivers: this.#drivers,
      world: this.#world,
      restored,
      onEntries: (entries) => this.#take(entries),
      onBound: (reading) => {
        this.#control.reading(reading);
        this.onHeard?.(reading);
      },
      onEvent: (event) => this.#happenings.happened(event),
      onChange: () => this.#health.changed(),
    });
  }

  #configure(config: Config): void {
    this.#config = config;
    this.#names = new Map(
      reportedOf(config, this.#downlink.configuration()).sensors.map((sensor) => [sensor.tag, sensor]),
    );
    this.#health = new HealthReporter({
      compose: () => this.#account.health(),
      publish: (message) => this.#links.publish('health', JSON.stringify(message)),
      interval: config.health.interval_seconds * 1000,
      afterQuiet: config.health.after_quiet_ms,
    });
  }

  /** Another configuration is in force from here on; the journal is the same, and so are ports that stay as they are. */
  async #switchTo(config: Config): Promise<void> {
    // What is heard until the ports are closed, if they are, goes to the journal.
    await this.#links.stop();
    const portsStay = this.#intake.hasPortsOf(config);
    if (!portsStay) await this.#intake.stop();
    // Told to stop meanwhile: nothing is opened any more.
    if (this.#isStopping) return;
    this.#health.stop();
    this.#control.configured(portsStay ? 'same-ports' : 'other-ports');
    if (portsStay) {
      this.#account.began(this.#intake.takeUp(config));
      this.#configure(config);
    } else {
      this.#account.closed(this.#intake);
      this.#takeUp(config, this.#intake.derivedState);
      this.#intake.open();
    }
    const { identity } = this.#identities;
    if (identity === undefined) return;
    this.#links.start(config, identity);
    this.#health.start();
  }

  #connected(): void {
    this.#timekeeper.connected();
    this.#downlink.connected();
    this.#report();
    void this.#health.report();
  }

  #report(): void {
    const reported = reportedOf(this.#config, this.#downlink.configuration());
    void this.#links.publish('reported', JSON.stringify(reported));
  }

  /** Entries of the sensors; what they have to say is said. */
  #take(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'event') this.#happenings.say(entry as EventWords);
      else if (entry.kind === 'reading' && entry.aspect !== 'heard') this.#control.reading(entry);
      this.#append(entry);
    }
  }

  #append(entry: Entry): void {
    this.#journal.append(entry);
    this.#account.numbered(entry);
    this.#links.appended(entry);
  }

  #retired(times: Float64Array, first: Delivered | undefined): void {
    if (first?.epoch === this.#journal.epoch) this.#delivered = first;
    this.#account.retired(times);
    this.#downlink.confirmed();
    this.#health.changed();
  }
}

/** Does not keep the process alive by itself. */
function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
