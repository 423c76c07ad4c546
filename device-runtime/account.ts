import type { Entry } from '@loadline/sdk/telemetry';
import { PastAccounts } from './accounts.ts';
import type { Timekeeper } from './clock/index.ts';
import type { Config } from './config/index.ts';
import type { GatewayFacts } from './control/index.ts';
import { composeHealth, type Look, processFigures, type Verdict } from './health/index.ts';
import { certificateDaysLeft, type Identity } from './identity/index.ts';
import type { Intake } from './intake.ts';
import type { Journal } from './journal/index.ts';
import type { LinkKeeper } from './link-keeper.ts';
import type { Latencies } from './progress.ts';
import type { ReleaseStatus } from './update/index.ts';
import { version } from './version.ts';
import type { World } from './world.ts';

/** Where the figures come from; what is made anew with a configuration is asked for each time. */
export interface AccountParts {
  readonly world: World;
  readonly gatewayId: string;
  readonly journal: Journal;
  readonly links: LinkKeeper;
  readonly timekeeper: Pick<Timekeeper, 'time'>;
  readonly latencies: Latencies | undefined;
  readonly present: () => {
    readonly config: Config;
    readonly intake: Intake;
    readonly identity: Identity | undefined;
    readonly revision: string | null;
  };
  readonly verdict: () => Verdict;
  readonly release: () => ReleaseStatus;
}

/**
 * What the gateway can say of itself: to the cloud, to its watchdog, to the people beside it. It accounts for
 * everything since the start, whatever the gateway was configured as meanwhile.
 */
export class Account {
  readonly #parts: AccountParts;
  readonly #startedAt: number;
  readonly #past = new PastAccounts();
  #acknowledged = 0;
  #numbered = 0;

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.#startedAt = parts.world.clock.monotonic();
  }

  /** Readings that the cloud has acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Frames heard since the start. */
  get frames(): number {
    return this.#frames.frames;
  }

  /** An entry was journalled. */
  numbered({ kind }: Entry): void {
    if (kind === 'reading') this.#numbered++;
  }

  /** The cloud has committed readings that were heard at these times (monotonic milliseconds). */
  retired(times: Float64Array): void {
    this.#acknowledged += times.length;
    this.#parts.latencies?.acknowledged(times, this.#parts.world.clock.monotonic());
  }

  /** An intake was stopped, and another takes its place: at once, or what it counted would be there twice. */
  closed({ frames, ports }: Intake): void {
    this.#past.addFrames(frames);
    this.#past.addPorts(ports);
  }

  /** The intake counts its frames anew; these it counted before. */
  began(frames: Intake['frames']): void {
    this.#past.addFrames(frames);
  }

  /** The health message as it is now. */
  health() {
    const { journal, links, timekeeper, world, present } = this.#parts;
    const time = timekeeper.time();
    return composeHealth({
      journal,
      ports: this.#ports,
      binding: this.#frames,
      uplink: links,
      time,
      certificateDaysLeft: certificateDaysLeft(present().identity?.chainPem, time),
      process: processFigures(),
      now: world.clock.monotonic(),
      startedAt: this.#startedAt,
    });
  }

  /** What the watchdog judges by. */
  look(): Look {
    const { journal, links, world, present } = this.#parts;
    const { frames, readings, computed } = this.#frames;
    const { connections, disconnects } = links;
    const link = links.isConnected
      ? ({ kind: 'up', connections } as const)
      : ({ kind: 'down', attempts: links.ended, reason: disconnects[0]?.reason ?? '' } as const);
    return {
      at: world.clock.monotonic(),
      ports: this.#ports,
      frames,
      made: readings + computed,
      journal: { numbered: this.#numbered, held: journal.held, disk: journal.disk.state },
      acknowledged: this.#acknowledged,
      link: present().identity === undefined ? { kind: 'unborn' } : link,
    };
  }

  /** What is shown on the local socket. */
  facts(): GatewayFacts {
    const { links, world, gatewayId, present, verdict, release } = this.#parts;
    const { config, identity, revision } = present();
    const { host, port } = config.uplink;
    const link = links.isConnected ? 'up' : 'down';
    return {
      gateway: { id: gatewayId, version, pid: world.pid, revision },
      cloud: { host, port, link: identity === undefined ? 'unborn' : link },
      verdict: verdict(),
      release: release(),
      health: this.health(),
    };
  }

  /** What `--progress` shows. */
  progress() {
    const { journal, links, latencies } = this.#parts;
    const { frames, readings } = this.#frames;
    return {
      frames,
      readings,
      acknowledged: this.#acknowledged,
      inFlight: links.inFlight,
      held: journal.held,
      connected: links.isConnected,
      latencyMs: latencies?.take() ?? { p50: null, p99: null },
    };
  }

  get #frames() {
    return this.#past.frames(this.#parts.present().intake.frames);
  }

  get #ports() {
    return this.#past.ports(this.#parts.present().intake.ports);
  }
}
