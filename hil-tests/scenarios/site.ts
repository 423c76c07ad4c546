import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { bundlePath } from '@loadline/device-runtime';
import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { CloudError } from '@loadline/sdk/client';
import type { Reading } from '@loadline/sdk/telemetry';
import * as assert from 'uvu/assert';
import { FaultProxy, until, VirtualPort } from '../rig/index.ts';
import {
  CloudProcess,
  type LogLine,
  prepareGateway,
  type Sections,
  type Service,
  startGateway,
} from '../system/index.ts';

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

/** What the doctor finds, and the code it ends with. */
export interface Diagnosis {
  readonly code: number;
  readonly findings: readonly {
    readonly severity: string;
    readonly about: string;
    readonly says: string;
    readonly act: string;
  }[];
}

/** A reading as it stands in the store. */
export interface StoredReading extends Reading {
  readonly epoch: string;
  readonly number: number;
  /** When the delivery that brought it was written, ms since 1970. */
  readonly written: number;
}

type Run = ReplyOf<Operations['getRun']>;
type Health = NonNullable<Run['health']>;
/** What a run brought, and how many deliveries of its gateway were ever rejected. */
type Account = Run & { readonly rejected: number };

/** What the gateway of a site is called. */
export const gatewayId = 'mast-1';

interface Link {
  readonly proxy: FaultProxy | undefined;
  readonly configFile: string;
}

/** Milliseconds between two questions to the cloud: it takes 1200 a minute from one address. */
const askEvery = 100;
const patience = 30_000;

/** One gateway of the shipped bundle on a virtual port, and its cloud: processes of their own, on a temporary folder. */
export class Site {
  readonly folder: string;
  readonly port: VirtualPort;
  cloud: CloudProcess;
  /** The way to the MQTT door, where it is a proxied one. */
  readonly proxy: FaultProxy | undefined;
  readonly configFile: string;
  #gateway: Service | undefined;

  private constructor(folder: string, port: VirtualPort, cloud: CloudProcess, link: Link) {
    this.folder = folder;
    this.port = port;
    this.cloud = cloud;
    this.proxy = link.proxy;
    this.configFile = link.configFile;
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
    this.#gateway = startGateway(this.configFile, { under });
  }

  /** The gateway's present run. */
  get gateway(): Service {
    if (this.#gateway === undefined) throw new Error('the gateway has not been started');
    return this.#gateway;
  }

  /** Epoch of the gateway's present run. */
  async epoch(): Promise<string> {
    return String((await this.gateway.line('gateway-start')).epoch);
  }

  /** What the cloud has of the present run; undefined while it has nothing. */
  async run(): Promise<Run | undefined> {
    try {
      return await this.cloud.organisation.getRun({ device: gatewayId, epoch: await this.epoch() });
    } catch (error) {
      if (error instanceof CloudError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** Waits until the gateway has said this event so often, of one subject where one is named; the last of them. */
  async said(event: string, times = 1, subject?: string): Promise<LogLine> {
    const found = await until(
      () => {
        const lines = this.gateway.log.filter(
          (line) => line.event === event && (subject === undefined || line.subject === subject),
        );
        return lines.length >= times ? lines[times - 1] : undefined;
      },
      { limitMs: patience, what: `${event} ${subject ?? ''} for the ${times}th time` },
    );
    return found;
  }

  /** What the cloud has of the gateway's events, the oldest first: `code subject`. */
  async events(): Promise<string[]> {
    const { items: events } = await this.cloud.organisation.listEvents({
      device: gatewayId,
      query: { limit: 1000 },
    });
    return events.reverse().map(({ code, subject }) => `${code} ${subject}`.trim());
  }

  /** Asks the shipped doctor what is wrong with the gateway. */
  async doctor(): Promise<Diagnosis> {
    const words = [bundlePath, 'doctor', '--config', this.configFile, '--json'];
    return await new Promise((resolve, reject) => {
      const child = execFile(process.execPath, words, (error, stdout, stderr) => {
        try {
          const { findings } = JSON.parse(stdout) as Pick<Diagnosis, 'findings'>;
          resolve({ code: child.exitCode ?? -1, findings });
        } catch {
          reject(new Error(`the doctor said no JSON: ${stdout}${stderr}`, { cause: error }));
        }
      });
    });
  }

  /** Waits until the present run's account, with the gateway's own beside it, is as `wanted`; checks that it balances. */
  async accountWhere(what: string, wanted: (run: Run, health: Health) => boolean): Promise<Account> {
    let last: Run | undefined;
    try {
      const found = await until(
        async () => {
          const [run] = await Promise.all([this.run(), elapsed(askEvery)]);
          last = run ?? last;
          if (!run?.health) return undefined;
          assertBalanced(run.health);
          return wanted(run, run.health) ? run : undefined;
        },
        { limitMs: patience, what },
      );
      const { deliveries } = await this.cloud.organisation.getLedger({ device: gatewayId });
      return { ...found, rejected: deliveries.rejected };
    } catch (error) {
      throw new Error(`${(error as Error).message}; last: ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits until `count` readings of the present run are stored, and the gateway knows it and has said so. */
  async stored(count: number): Promise<Account> {
    return await this.accountWhere(
      `${count} readings are stored`,
      ({ stored }, { readings, journal }) => stored >= count && readings === stored && journal.held === 0,
    );
  }

  /** The stored readings in the order of their numbers, epoch after epoch; read from the database's files. */
  readings(): StoredReading[] {
    const epochs = new Map<string, StoredReading[]>();
    for (const { epoch, number, arrival, reading } of readReadings(join(this.folder, 'cloud'))) {
      const readings = epochs.get(epoch) ?? [];
      epochs.set(epoch, readings);
      readings.push({ ...reading, epoch, number, written: arrival });
    }
    return [...epochs.values()].flatMap((readings) => readings.sort((a, b) => a.number - b.number));
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await this.#gateway?.stop();
    await this.port.close();
    await this.proxy?.close();
    await this.cloud.service.stop();
    await rm(this.folder, { recursive: true });
  }
}

/** Every byte and every frame of a gateway's account is somewhere, and nowhere twice. */
export function assertBalanced(health: Health): void {
  const { ports, frames, readings, copies, suppressed, other } = health;
  assert.is(frames, readings + copies + suppressed + other, 'frames');
  assert.is(
    ports.reduce((sum, port) => sum + port.frames, 0),
    frames,
    'frames of all ports',
  );
  for (const { bytes, frameBytes, discardedBytes, heldBytes } of ports) {
    assert.is(bytes, frameBytes + discardedBytes + heldBytes, 'bytes');
  }
}

/** Waits for a time that is itself what a test is about. */
export function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
