import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy } from '../rig/index.ts';
import { prepareGateway, type Sections } from '../system/index.ts';
import type { Ability } from './ability.ts';
import type { Bench, PortOptions, SiteOptions } from './bench.ts';
import { Capture } from './capture.ts';
import { LocalCloud } from './local-cloud.ts';
import { LocalGateway } from './local-gateway.ts';
import { VirtualAdapters, VirtualSite } from './virtual-site.ts';

/** What the gateway of a bench is called. */
export const gatewayId = 'mast-1';

/** What an adapter is called where a port does not say: as one in /dev/serial/by-id. */
const usualAdapter = (port: string) =>
  `usb-Loadline_Simulated_T24_Base_Station_${port.replaceAll(/[^\w-]/g, '_')}-if00`;

/** Options of a bench. */
export interface BenchOptions {
  /** A folder for what the gateway and the cloud print, and for recordings of the lines. */
  readonly artefacts: string;
}

/**
 * The bench of which nothing is real but the programs: a kernel tty for each adapter, the shipped gateway and the shipped
 * cloud in processes of their own, TLS and a database on disk between and behind them. It needs no root, and no network
 * beyond this machine's own.
 */
export class VirtualBench implements Bench {
  readonly label = 'virtual: simulated radio on virtual serial ports; shipped gateway and cloud';
  readonly #artefacts: string;
  readonly #sites: VirtualSite[] = [];
  readonly #folders: string[] = [];

  constructor({ artefacts }: BenchOptions) {
    this.#artefacts = artefacts;
  }

  lacks(ability: Ability): string | undefined {
    switch (ability) {
      case 'line-speed':
        return 'a virtual serial port has no speed of its own';
      case 'console':
      case 'console-owner':
        return 'the gateway is a program of this machine, with no console';
      case 'gateway-clock':
        return mayMakeTime()
          ? undefined
          : 'making a time namespace (unshare --time) needs root, and a kernel that has them';
      case 'site':
      case 'simulated-radio':
      case 'unplug':
      case 'adapters':
      case 'hold-port':
      case 'network-faults':
      case 'kill-gateway':
      case 'kill-cloud':
      case 'gateway-process':
        return undefined;
    }
  }

  async site(options: SiteOptions = {}): Promise<VirtualSite> {
    const {
      ports = [{ name: 'radio' }],
      sections = {},
      link = 'straight',
      gateway: state = 'started',
    } = options;
    const folder = await mkdtemp(join(tmpdir(), 'loadline-bench-'));
    this.#folders.push(folder);
    const of = this.#sites.length === 0 ? '' : `-${this.#sites.length + 1}`;
    const artefact = (name: string, ending: string) => join(this.#artefacts, `${name}${of}.${ending}`);
    const adapters = new VirtualAdapters(
      join(folder, 'dev'),
      (name) => new Capture(artefact(name, 'hex'), `simulated adapter ${name}`),
    );
    const cloud = await LocalCloud.open({
      gatewayId,
      state: join(folder, 'cloud'),
      logFile: artefact('cloud', 'log'),
    });
    const proxy =
      link === 'proxied' ? await FaultProxy.open({ target: { port: cloud.process.mqttPort } }) : undefined;
    const configFile = await prepareGateway(cloud.process, {
      id: gatewayId,
      folder: join(folder, 'gateway'),
      sections: {
        unconfigured: { sightings: 1 },
        ...sections,
        ports: ports.map((port) => ({ ...port, path: adapters.path(port.path ?? usualAdapter(port.name)) })),
        ...withUplink(sections, proxy?.port),
      },
    });
    const gateway = new LocalGateway({ id: gatewayId, configFile, logFile: artefact('gateway', 'log') });
    cloud.keepAccountOf(gateway);
    const site = new VirtualSite(adapters, gateway, cloud, proxy);
    this.#sites.push(site);
    for (const name of options.adapters ?? adaptersOf(ports)) await adapters.plugIn(name);
    if (state === 'started') {
      await gateway.start();
      await gateway.said('uplink-connected');
      for (const { name } of ports) await gateway.said('port-open', { subject: name });
    }
    return site;
  }

  async console(): Promise<never> {
    throw new Error(this.lacks('console'));
  }

  async close(): Promise<void> {
    const ended = await Promise.allSettled(this.#sites.map((site) => site.close()));
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/** Adapters that ports name without a pattern, each once. */
function adaptersOf(ports: readonly PortOptions[]): string[] {
  const names = ports.map(({ name, path }) => path ?? usualAdapter(name));
  return [...new Set(names.filter((name) => !/[*?[]/.test(name)))];
}

function withUplink(sections: Sections, port: number | undefined): Sections {
  return port === undefined ? {} : { uplink: { ...sections.uplink, port } };
}

/** Whether programs can be started here with another time since boot. */
export function mayMakeTime(): boolean {
  return spawnSync('unshare', ['--time', '--monotonic', '1', 'true']).status === 0;
}
