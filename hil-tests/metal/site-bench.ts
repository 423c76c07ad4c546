import { realpathSync } from 'node:fs';
import type { Ability, Bench, BenchOptions, Site, SiteOptions } from '../scenario/index.ts';
import { mayMakeTime } from '../scenario/virtual-bench.ts';
import { MetalError } from './errors.ts';
import { openMetalSite, portOf, type SiteChoice } from './metal-site.ts';

/** A bench on real ports, with the shipped gateway and the shipped cloud on this machine. */
export class SiteBench implements Bench {
  readonly label: string;
  readonly #choice: SiteChoice;
  readonly #artefacts: string;
  #site: ReturnType<typeof openMetalSite> | undefined;

  constructor(choice: SiteChoice, { artefacts }: BenchOptions) {
    this.#choice = choice;
    this.#artefacts = artefacts;
    this.label =
      choice.kind === 'loop'
        ? `metal: simulated radio on ${choice.port}, shipped gateway on ${choice.gateway}, shipped cloud`
        : `metal: base station on ${choice.port}, shipped gateway, shipped cloud`;
  }

  lacks(ability: Ability): string | undefined {
    const { kind, unplugging } = this.#choice;
    switch (ability) {
      case 'simulated-radio':
        return kind === 'loop' ? undefined : 'the radio is real, and says what is on the air';
      case 'unplug':
        return unplugging.by === 'nobody'
          ? 'nobody unplugs the adapter: say --unplug-by usb, or --unplug-by hand'
          : undefined;
      case 'adapters':
        return 'the adapter is real: there is one of it, under the names that it has';
      case 'line-speed':
        return realpathSync(portOf(this.#choice)).startsWith('/dev/pts/')
          ? 'the port is a pty of another program, which has no speed of its own'
          : undefined;
      case 'gateway-clock':
        return mayMakeTime()
          ? undefined
          : 'making a time namespace (unshare --time) needs root, and a kernel that has them';
      case 'console':
      case 'console-owner':
        return 'the gateway is a program of this machine, with no console: say --gateway console:PORT';
      case 'site':
      case 'hold-port':
      case 'network-faults':
      case 'kill-gateway':
      case 'kill-cloud':
      case 'gateway-process':
        return undefined;
    }
  }

  async site(options: SiteOptions = {}): Promise<Site> {
    if (this.#site !== undefined) {
      throw new MetalError('option', 'a site has the line already', 'set one site up in a scenario');
    }
    this.#site = openMetalSite(this.#choice, options, this.#artefacts);
    return (await this.#site).site;
  }

  async console(): Promise<never> {
    throw new Error(this.lacks('console'));
  }

  async close(): Promise<void> {
    // Where it could not be set up, that was said, and all of it has ended.
    const opened = await this.#site?.catch(() => undefined);
    await opened?.close();
  }
}
