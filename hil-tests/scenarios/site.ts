import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy, VirtualPort } from '../rig/index.ts';
import { Accounts } from '../scenario/accounts.ts';
import {
  type Account,
  type Diagnosis,
  gatewayId,
  type Health,
  type Run,
  type StoredReading,
} from '../scenario/index.ts';
import { LocalGateway } from '../scenario/local-gateway.ts';
import { CloudProcess, type LogLine, prepareGateway, type Sections, type Service } from '../system/index.ts';

export { assertBalanced, elapsed, gatewayId, type StoredReading } from '../scenario/index.ts';

export interface SiteOptions {
  /** Whether the gateway reaches the cloud's MQTT door straight, or through a fault proxy. Default: straight. */
  readonly link?: 'straight' | 'proxied';
  /** Sections of the gateway's configuration; of the first port, what is not its name and path. */
  readonly sections?: Sections;
  readonly port?: Readonly<Record<string, unknown>>;
  /** Ports of the cloud's doors, for a cloud that is to come back on them. Default: any that are free. */
  readonly doors?: { readonly httpsPort: number; readonly mqttPort: number };
  /** How long certificates of gateways live, such as "12s". Default: the usual thirty days. */
  readonly certificateLife?: string;
  /** Where the cloud listens, and which names its certificate holds besides localhost. Default: this machine alone. */
  readonly reach?: { readonly host?: string; readonly names: readonly string[] };
}

interface Link {
  readonly proxy: FaultProxy | undefined;
  readonly configFile: string;
}

/** One gateway of the shipped bundle on a virtual port, and its cloud: processes of their own, on a temporary folder. */
export class Site {
  readonly folder: string;
  readonly port: VirtualPort;
  cloud: CloudProcess;
  /** The way to the MQTT door, where it is a proxied one. */
  readonly proxy: FaultProxy | undefined;
  readonly configFile: string;
  readonly #gateway: LocalGateway;
  readonly #accounts: Accounts;

  private constructor(folder: string, port: VirtualPort, cloud: CloudProcess, link: Link) {
    this.folder = folder;
    this.port = port;
    this.cloud = cloud;
    this.proxy = link.proxy;
    this.configFile = link.configFile;
    this.#gateway = new LocalGateway({ id: gatewayId, configFile: link.configFile });
    this.#accounts = new Accounts({
      gatewayId,
      state: join(folder, 'cloud'),
      organisation: () => this.cloud.organisation,
      epoch: () => this.epoch(),
    });
  }

  /** Prepares all of it, and starts all but the gateway. */
  static async prepare(options: SiteOptions = {}): Promise<Site> {
    const { link = 'straight', sections = {}, doors = {}, reach = {}, certificateLife } = options;
    const folder = await mkdtemp(join(tmpdir(), 'loadline-site-'));
    const life = certificateLife === undefined ? {} : { certificateLife };
    const cloud = await CloudProcess.start({ ...doors, ...reach, ...life, state: join(folder, 'cloud') });
    const port = await VirtualPort.open({ folder: join(folder, 'dev') });
    const proxy =
      link === 'proxied' ? await FaultProxy.open({ target: { port: cloud.mqttPort } }) : undefined;
    const configFile = await prepareGateway(cloud, {
      id: gatewayId,
      folder: join(folder, 'gateway'),
      sections: {
        // Every tag counts from its first frame on.
        unconfigured: { sightings: 1 },
        ports: [{ name: 'radio', path: port.path, ...options.port }],
        ...sections,
        ...(proxy && { uplink: { ...sections.uplink, port: proxy.port } }),
      },
    });
    return new Site(folder, port, cloud, { proxy, configFile });
  }

  /** Starts it; resolves when the port is open and the link to the cloud stands. */
  static async open(options: SiteOptions = {}): Promise<Site> {
    const site = await Site.prepare(options);
    site.startGateway();
    await site.gateway.line('port-open');
    await site.gateway.line('uplink-connected');
    return site;
  }

  /**
   * Starts the gateway, for the first time or again.
   *
   * @param under words before its command line: a program that starts it in a place of its own
   */
  startGateway(under: readonly string[] = []): void {
    this.#gateway.launch(under);
  }

  /** The gateway's present run. */
  get gateway(): Service {
    return this.#gateway.service;
  }

  /** Epoch of the gateway's present run. */
  epoch(): Promise<string> {
    return this.#gateway.epoch();
  }

  /** What the cloud has of the present run; undefined while it has nothing. */
  run(): Promise<Run | undefined> {
    return this.#accounts.run();
  }

  /** Waits until the gateway has said this event so often, of one subject where one is named; the last of them. */
  said(event: string, times = 1, subject?: string): Promise<LogLine> {
    return this.#gateway.said(event, { times, ...(subject !== undefined && { subject }) });
  }

  /** What the cloud has of the gateway's events, the oldest first: `code subject`. */
  events(): Promise<string[]> {
    return this.#accounts.events();
  }

  /** Asks the shipped doctor what is wrong with the gateway. */
  doctor(): Promise<Diagnosis> {
    return this.#gateway.doctor();
  }

  /** Waits until the present run's account, with the gateway's own beside it, is as `wanted`; checks that it balances. */
  accountWhere(what: string, wanted: (run: Run, health: Health) => boolean): Promise<Account> {
    return this.#accounts.accountWhere(what, wanted);
  }

  /** Waits until `count` readings of the present run are stored, and the gateway knows it and has said so. */
  stored(count: number): Promise<Account> {
    return this.#accounts.stored(count);
  }

  /** The stored readings in the order of their numbers, epoch after epoch; read from the database's files. */
  readings(): StoredReading[] {
    return this.#accounts.readings();
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await this.#gateway.stop();
    await this.port.close();
    await this.proxy?.close();
    await this.cloud.service.stop();
    await rm(this.folder, { recursive: true });
  }
}
