import type { OrganisationClient } from '@loadline/sdk/client';
import { CloudProcess, type CloudProcessOptions } from '../system/index.ts';
import { Accounts } from './accounts.ts';
import type { Account, Cloud, Health, Run, StoredReading } from './bench.ts';

export interface LocalCloudOptions extends Pick<CloudProcessOptions, 'state' | 'logFile' | 'host' | 'names'> {
  /** The gateway whose account it keeps. */
  readonly gatewayId: string;
}

/** The shipped cloud in a process of this machine, with one gateway. */
export class LocalCloud implements Cloud {
  readonly #options: LocalCloudOptions;
  readonly #accounts: Accounts;
  #process: CloudProcess;
  #epoch: () => Promise<string> = () => Promise.reject(new Error('no gateway has been started'));

  private constructor(process: CloudProcess, options: LocalCloudOptions) {
    this.#process = process;
    this.#options = options;
    this.#accounts = new Accounts({
      gatewayId: options.gatewayId,
      state: options.state,
      organisation: () => this.organisation,
      epoch: () => this.#epoch(),
    });
  }

  /** Starts it, and waits until it listens. */
  static async open(options: LocalCloudOptions): Promise<LocalCloud> {
    return new LocalCloud(await CloudProcess.start(options), options);
  }

  /** Tells it how to know the gateway's present run. */
  keepAccountOf(gateway: { epoch(): Promise<string> }): void {
    this.#epoch = () => gateway.epoch();
  }

  /** The process of its present run, or of the last. */
  get process(): CloudProcess {
    return this.#process;
  }

  get organisation(): OrganisationClient {
    return this.#process.organisation;
  }

  run(): Promise<Run | undefined> {
    return this.#accounts.run();
  }

  accountWhere(
    what: string,
    wanted: (run: Run, health: Health) => boolean,
    limitMs?: number,
  ): Promise<Account> {
    return this.#accounts.accountWhere(what, wanted, limitMs);
  }

  stored(count: number, limitMs?: number): Promise<Account> {
    return this.#accounts.stored(count, limitMs);
  }

  readings(): StoredReading[] {
    return this.#accounts.readings();
  }

  events(): Promise<string[]> {
    return this.#accounts.events();
  }

  async stop(): Promise<void> {
    await this.#process.service.stop();
  }

  async kill(): Promise<void> {
    await this.#process.service.stop('SIGKILL');
  }

  async start(): Promise<void> {
    const { httpsPort, mqttPort } = this.#process;
    this.#process = await CloudProcess.start({ ...this.#options, httpsPort, mqttPort });
  }
}
