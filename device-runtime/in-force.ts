import type { ReportedMessage } from '@loadline/sdk/contract';
import type { Driver } from '@loadline/sdk/driver';
import type { Account } from './account.ts';
import type { Config } from './config/index.ts';
import type { LocalControl } from './control/index.ts';
import { HealthReporter } from './health/index.ts';
import type { Identity } from './identity/index.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import type { LinkKeeper } from './link-keeper.ts';
import { reportedOf } from './reported.ts';
import type { World } from './world.ts';

export interface InForceOptions extends Pick<IntakeOptions, 'onEntries' | 'onBound' | 'onEvent'> {
  readonly drivers: readonly Driver[];
  readonly world: World;
  readonly account: Account;
  readonly control: LocalControl;
  readonly links: LinkKeeper;
  /** What the cloud is told of it: the revision, and what became of the last one. */
  readonly configuration: () => ReportedMessage['configuration'];
  /** Undefined while there is none to connect with. */
  readonly identity: () => Identity | undefined;
  /** Whether the gateway was told to stop: then nothing is opened any more. */
  readonly isStopping: () => boolean;
}

/**
 * The configuration in force, and what is made anew with it: ports and what is made of their bytes, what sensors are
 * called, how often the account goes out, and the uplink.
 */
export class InForce {
  readonly #options: InForceOptions;
  #config: Config;
  #names: ReadonlyMap<number, ReportedMessage['sensors'][number]> = new Map();
  #intake: Intake;
  #health: HealthReporter;

  /** @param restored zeros and peaks of derived series, as the run before this one left them */
  constructor(options: InForceOptions, config: Config, restored: unknown) {
    this.#options = options;
    this.#config = config;
    this.#health = this.#configure(config);
    this.#intake = this.#makeIntake(config, restored);
  }

  get config(): Config {
    return this.#config;
  }

  get intake(): Intake {
    return this.#intake;
  }

  get health(): HealthReporter {
    return this.#health;
  }

  /** What a tag is called; undefined where nobody configured it. */
  nameOf(tag: number): ReportedMessage['sensors'][number] | undefined {
    return this.#names.get(tag);
  }

  /** Tells the cloud what the gateway is configured to be. */
  report(): void {
    const reported = reportedOf(this.#config, this.#options.configuration());
    void this.#options.links.publish('reported', JSON.stringify(reported));
  }

  /** Begins to work on the uplink. */
  connect(identity: Identity): void {
    this.#options.links.start(this.#config, identity);
    this.#health.start();
  }

  /** Another configuration is in force from here on; the journal is the same, and so are ports that stay as they are. */
  async switchTo(config: Config): Promise<void> {
    const { links, account, control, identity, isStopping } = this.#options;
    // What is heard until the ports are closed, if they are, goes to the journal.
    await links.stop();
    const portsStay = this.#intake.hasPortsOf(config);
    if (!portsStay) await this.#intake.stop();
    if (isStopping()) return;
    this.#health.stop();
    control.configured(portsStay ? 'same-ports' : 'other-ports');
    if (portsStay) {
      account.began(this.#intake.takeUp(config));
      this.#health = this.#configure(config);
    } else {
      account.closed(this.#intake);
      const { derivedState } = this.#intake;
      this.#health = this.#configure(config);
      this.#intake = this.#makeIntake(config, derivedState);
      this.#intake.open();
    }
    const known = identity();
    if (known !== undefined) this.connect(known);
  }

  #makeIntake(config: Config, restored: unknown): Intake {
    const { drivers, world, onEntries, onBound, onEvent } = this.#options;
    const onChange = () => this.#health.changed();
    return new Intake({ config, drivers, world, restored, onEntries, onBound, onEvent, onChange });
  }

  #configure(config: Config): HealthReporter {
    const { account, links, configuration } = this.#options;
    this.#config = config;
    this.#names = new Map(reportedOf(config, configuration()).sensors.map((sensor) => [sensor.tag, sensor]));
    return new HealthReporter({
      compose: () => account.health(),
      publish: (message) => links.publish('health', JSON.stringify(message)),
      interval: config.health.interval_seconds * 1000,
      afterQuiet: config.health.after_quiet_ms,
    });
  }
}
