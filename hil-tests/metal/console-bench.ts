import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Capture } from '../scenario/capture.ts';
import type { Ability, Bench, BenchOptions, Console } from '../scenario/index.ts';
import type { MetalChoice } from './choice.ts';
import { GatewayConsole } from './console.ts';
import { MetalError } from './errors.ts';
import { LineRadio } from './metal-radio.ts';
import { RealPort } from './real-port.ts';
import { type Vouch, vouchFrom } from './vouch.ts';

/** Where the gateway is elsewhere, and its console leads here. */
export type ConsoleChoice = Extract<MetalChoice, { kind: 'console' }>;

const elsewhere = 'the gateway is elsewhere, and its console does not show it';

/** A bench of which only the lines are of this machine: one to a gateway's radio port, one to its console. */
export class ConsoleBench implements Bench {
  readonly label: string;
  readonly #choice: ConsoleChoice;
  readonly #artefacts: string;
  readonly #vouch: Vouch | undefined;
  #opened: Promise<{ readonly console: Console; readonly ends: (() => Promise<void>)[] }> | undefined;

  /** @param environment names the cloud that vouchers come from: see `vouchFrom` */
  constructor(
    choice: ConsoleChoice,
    { artefacts }: BenchOptions,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#choice = choice;
    this.#artefacts = artefacts;
    this.#vouch = vouchFrom(environment);
    this.label = `metal: simulated radio on ${choice.port}, a gateway elsewhere whose console is on ${choice.console}`;
  }

  lacks(ability: Ability): string | undefined {
    switch (ability) {
      case 'simulated-radio':
      case 'console':
        return undefined;
      case 'console-owner':
        return this.#vouch === undefined
          ? 'no voucher can be had: set LOADLINE_URL and LOADLINE_TOKEN, as for loadline provision'
          : undefined;
      case 'line-speed':
        return realpathSync(this.#choice.port).startsWith('/dev/pts/')
          ? 'the port is a pty of another program, which has no speed of its own'
          : undefined;
      case 'site':
      case 'unplug':
      case 'adapters':
      case 'hold-port':
      case 'network-faults':
      case 'kill-gateway':
      case 'kill-cloud':
      case 'gateway-process':
      case 'gateway-clock':
        return elsewhere;
    }
  }

  async site(): Promise<never> {
    throw new MetalError('option', elsewhere, "a scenario that says needs: ['console'] is for it");
  }

  async console(): Promise<Console> {
    this.#opened ??= this.#open();
    return (await this.#opened).console;
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    for (const end of opened?.ends ?? []) await end();
  }

  async #open(): Promise<{ console: Console; ends: (() => Promise<void>)[] }> {
    const { port: path, console: consolePath, baud } = this.#choice;
    const gateway = await GatewayConsole.open(consolePath, this.#vouch);
    try {
      const port = await RealPort.open(path, { baud });
      const capture = new Capture(
        join(this.#artefacts, 'radio.hex'),
        `simulated radio on ${path}, to the gateway`,
      );
      const radio = new LineRadio(port, `what ${path} is wired to`, undefined, capture);
      const console: Console = {
        radio,
        describe: () => gateway.describe(),
        listen: () => gateway.listen(),
        heardWhere: (what, wanted, limitMs) => gateway.heardWhere(what, wanted, limitMs),
      };
      return { console, ends: [() => radio.close(), () => gateway.close()] };
    } catch (error) {
      await gateway.close();
      throw error;
    }
  }
}
