import { join } from 'node:path';
import type { DownChannel, ReportedMessage } from '@loadline/sdk/contract';
import { Commands, type CommandsOptions } from './commands.ts';
import { DesiredConfiguration, type DesiredOptions } from './desired.ts';
import { readJson, Trickle } from './hostile.ts';
import { keptFile } from './state-file.ts';

export type DownlinkOptions<Config> = Omit<DesiredOptions<Config>, 'file'> &
  Omit<CommandsOptions, 'file'> & {
    /** The state folder: `desired.json` and `commands.json` are kept in it. It must be there. */
    readonly state: string;
  };

/** What the cloud asks of this gateway: to be configured otherwise, and to do something. */
export class Downlink<Config> {
  readonly #options: DownlinkOptions<Config>;
  readonly #desired: DesiredConfiguration<Config>;
  readonly #commands: Commands;
  readonly #trickle = new Trickle();

  constructor(options: DownlinkOptions<Config>) {
    this.#options = options;
    this.#desired = new DesiredConfiguration({
      ...options,
      file: keptFile(join(options.state, 'desired.json')),
    });
    this.#commands = new Commands({ ...options, file: keptFile(join(options.state, 'commands.json')) });
  }

  /** The configuration to start with. Whatever is on disk, there is one; a trial that is found goes on from here. */
  async open(): Promise<Config> {
    await this.#commands.open();
    return this.#desired.open();
  }

  /** What came down. Whatever it is, it does not throw. */
  received(channel: Extract<DownChannel, 'desired' | 'command'>, payload: Uint8Array): void {
    const read = readJson(payload);
    if (!read.ok) {
      const pass = this.#trickle.pass(this.#options.monotonic());
      if (pass) this.#options.log.warn(`${channel}-malformed`, { reason: read.fault, unsaid: pass.held });
      return;
    }
    if (channel === 'desired') this.#desired.received(read.message);
    else this.#commands.received(read.message);
  }

  /** There is a link that can be published on. */
  connected(): void {
    this.#commands.connected();
  }

  /** The cloud has acknowledged something over the present link. To be called for every acknowledgement. */
  confirmed(): void {
    this.#desired.confirmed();
  }

  /** For `reported`. */
  configuration(): ReportedMessage['configuration'] {
    return this.#desired.configuration();
  }

  stop(): void {
    this.#desired.stop();
    this.#commands.stop();
  }
}
