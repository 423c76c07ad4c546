import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '@loadline/sdk/contract';
import { type Driver, loadDriver } from '@loadline/sdk/driver';
import { makePrivateFolder } from '@loadline/sdk/platform';
import type { Entry, EventWords, Reading } from '@loadline/sdk/telemetry';
import { Account } from './account.ts';
import { readAuthority } from './authority.ts';
import { readFloors, type Time, Timekeeper, tickMilliseconds, touchedAt, writeFloor } from './clock/index.ts';
import type { Config, LocalConfig } from './config/index.ts';
import { LocalControl } from './control/index.ts';
import { checkDesired } from './desired-check.ts';
import { clip, Downlink } from './downlink/index.ts';
import { Generations } from './generations.ts';
import { Happenings } from './happenings.ts';
import type { Verdict, Watchdog } from './health/index.ts';
import { Trust } from './identity/index.ts';
import { IdentityKeeper } from './identity-keeper.ts';
import { InForce } from './in-force.ts';
import { readDerivedState } from './intake.ts';
import { DiskJournal, heldReadings } from './journal/index.ts';
import { LinkKeeper } from './link-keeper.ts';
import type { Latencies } from './progress.ts';
import { Updates } from './update/index.ts';
import type { Delivered } from './uplink/index.ts';
import { madeAt, version } from './version.ts';
import { tellWedge, watchdogOf } from './watched.ts';
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
  readonly #updates: Updates;
  #isStopping = false;
  /** There are these from `#settle` on, before anybody gets hold of this gateway. */
  #inForce!: InForce;
  #watchdog!: Watchdog;
  #clockTimer: NodeJS.Timeout | undefined;
  #delivered: Delivered | undefined;
  /** Called for each frame that was bound, whatever its sensor's policy makes of it. */
  onHeard: ((reading: Reading) => void) | undefined;
  /** Called where this process is to end, with code 0, so that its launcher starts another release. */
  onSwitch: (() => void) | undefined;

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
        this.#timekeeper.connected();
        this.#downlink.connected();
        this.#inForce.report();
        void this.#inForce.health.report();
        this.#updates.connected();
      },
      onDisconnected: () => {
        this.#timekeeper.disconnected();
        this.#inForce.health.changed();
      },
      onAcknowledged: (times, first) => this.#retired(times, first),
      onAnswered: () => this.#answered(),
      onContest: (code, detail) =>
        onEvent({ code, subject: '', detail: clip(detail, limits.eventDetailBytes) }),
      onMessage: (channel, payload) => {
        if (channel === 'time') {
          const answer = Buffer.from(payload).toString('utf8');
          this.#timekeeper.answered(answer);
          this.#generations.answered(answer);
        } else if (channel === 'update') this.#updates.received(payload);
        else this.#downlink.received(channel, payload);
      },
    });
    this.#identities = new IdentityKeeper({
      own: config,
      inForce: () => this.#inForce.config,
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
        this.#inForce.report();
        void this.#inForce.health.report();
      },
    });
    this.#downlink = new Downlink<Config>({
      state,
      own: config,
      check: checkDesired(local, parts.drivers),
      apply: (desired) => this.#inForce.switchTo(desired),
      onChange: () => this.#inForce.report(),
      execute: {
        transmit: (command, until) => this.#inForce.intake.transmit(command, until),
        'reset-derived': (command) => this.#inForce.intake.resetDerived(command),
        report: async () => {
          await this.#inForce.health.report();
          return 'reported';
        },
      },
      publish: (channel, json) => this.#links.publish(channel, json),
      time,
      monotonic: clock.monotonic,
      onEvent,
      log,
    });
    this.#updates = new Updates({
      environment: world.environment,
      running: version,
      built: madeAt,
      config: () => this.#inForce.config,
      url: config.enrolment?.url,
      identity: () => this.#identities.identity,
      authorityPem: () => parts.trust.pem,
      time,
      monotonic: clock.monotonic,
      random: world.random,
      frames: () => this.#account.frames,
      unsent: () => parts.disk.held - this.#links.inFlight,
      journalRoom: () => this.journalRoom,
      flush: () => parts.disk.flush(),
      publish: (json) => this.#links.publish('updating', json),
      onEvent,
      onSwitch: () => this.onSwitch?.(),
      log,
    });
    this.#control = new LocalControl({
      path: config.control.socket,
      nameOf: (tag) => this.#inForce.nameOf(tag),
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
        config: this.#inForce.config,
        intake: this.#inForce.intake,
        identity: this.#identities.identity,
        revision: this.#downlink.configuration().revision,
      }),
      verdict: () => this.#watchdog.verdict,
      release: () => this.#updates.status(),
    });
  }

  /**
   * Starts reading, and resolves when the gateway has an identity and works on its uplink.
   *
   * @throws IdentityMissing where somebody has to act first
   */
  async start(): Promise<void> {
    const { log } = this.#world;
    this.#inForce.intake.open();
    this.#clockTimer = setInterval(() => {
      this.#timekeeper.tick();
      this.#identities.tick();
    }, tickMilliseconds);
    this.#watchdog.start();
    await this.#control.open().catch((error: Error) => {
      log.warn('control-unavailable', { reason: error.message });
    });
    this.#inForce.connect(await this.#identities.load());
  }

  /** Stops reading, sends what is held (within a limit), says the last counts, and leaves all of it in order. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const identityStopped = this.#identities.stop();
    this.#downlink.stop();
    this.#generations.stop();
    this.#updates.stop();
    await this.#watchdog.stop();
    await this.#control.close();
    clearInterval(this.#clockTimer);
    await this.#inForce.intake.stop();
    if (this.#identities.identity !== undefined) {
      await this.#links.drain(drainMilliseconds);
      await Promise.race([
        this.#inForce.health.finish(),
        delay(farewellMilliseconds, undefined, { ref: false }),
      ]);
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

  /** Keeps updates over the air from beginning: see `Updates.hold`. */
  holdUpdates(why: string | undefined): Promise<boolean> {
    return this.#updates.hold(why);
  }

  /** What is known of the time. */
  get time(): Time {
    return this.#timekeeper.time();
  }

  /** Bytes of the disk that the journal may still take. */
  get journalRoom(): number {
    return Math.max(0, this.#own.journal.max_bytes - this.#journal.heldBytes);
  }

  /** What `--progress` shows. */
  progress() {
    return this.#account.progress();
  }

  /** Which configuration is in force, what the run before this one left, and what time it is. */
  async #settle(): Promise<void> {
    this.#timekeeper.tick();
    await this.#generations.open();
    const config = await this.#downlink.open();
    this.#inForce = this.#takeUp(config, await readDerivedState(this.#own, this.#world.log));
    const look = () => this.#account.look();
    this.#watchdog = watchdogOf(this.#world, this.#own.gateway.state, {
      look,
      inForce: () => this.#inForce.config,
    });
    this.#happenings.happened({ code: 'gateway-started', subject: '', detail: `version ${version}` });
    await this.#updates.open();
    await tellWedge(this.#own.gateway.state, async (detail) => {
      this.#happenings.happened({ code: 'gateway-wedged', subject: '', detail });
      await this.#journal.flush();
    });
  }

  #takeUp(config: Config, restored: unknown): InForce {
    const options = {
      drivers: this.#drivers,
      world: this.#world,
      account: this.#account,
      control: this.#control,
      links: this.#links,
      configuration: () => this.#downlink.configuration(),
      identity: () => this.#identities.identity,
      isStopping: () => this.#isStopping,
      onEntries: (entries: readonly Entry[]) => this.#take(entries),
      onBound: (reading: Reading) => {
        this.#control.reading(reading);
        this.onHeard?.(reading);
      },
      onEvent: (event: EventWords) => this.#happenings.happened(event),
    };
    return new InForce(options, config, restored);
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

  #answered(): void {
    this.#downlink.confirmed();
    this.#updates.acknowledged();
  }

  #retired(times: Float64Array, first: Delivered | undefined): void {
    if (first?.epoch === this.#journal.epoch) this.#delivered = first;
    this.#account.retired(times);
    this.#answered();
    this.#inForce.health.changed();
  }
}
