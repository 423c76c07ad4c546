import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudClient } from '@loadline/sdk/client';
import { FaultProxy, noFaults, VirtualPort } from '../rig/index.ts';
import { takeInSoftware } from '../scenarios/software-device.ts';
import { WaitingDoor } from '../scenarios/waiting-door.ts';
import {
  CloudProcess,
  freeSocketPorts,
  prepareGateway,
  type Service,
  type SocketPorts,
  startCloudService,
  startGateway,
} from '../system/index.ts';
import { enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { tag } from './frames.ts';
import type { Evidence, GatewayLife } from './judge.ts';
import type { Victim } from './strikes.ts';

/** What the gateway is called. */
export const gatewayId = 'mast-1';
/** The gateway's default. */
export const flushSeconds = 1;
/** So little that the largest floods with the link away drop, and that there are many segments. */
const journalBytes = 96 * 1024;

type Changing = { -readonly [K in keyof GatewayLife]: GatewayLife[K] };

/** What of a progress line is read. */
interface Progress {
  readonly readings: number;
  readonly held: number;
  readonly connected: boolean;
}

interface Parts {
  readonly folder: string;
  readonly port: VirtualPort;
  readonly proxy: FaultProxy;
  readonly door: WaitingDoor;
  readonly first: CloudProcess;
  readonly configFile: string;
  readonly client: GatewayIdentity;
  readonly logger: DoorCredential;
  readonly hut: DoorCredential;
}

/** What a device without a radio proves itself by at its door. */
export interface DoorCredential {
  readonly device: string;
  readonly id: string;
  readonly secret: string;
}

/** A gateway of the shipped bundle, a faulty link and a cloud, of which either program can be killed and started again. */
export class CrashSite {
  readonly folder: string;
  readonly port: VirtualPort;
  readonly proxy: FaultProxy;
  /** Of a client beside the gateway. */
  readonly client: GatewayIdentity;
  readonly mqttPort: number;
  readonly httpsPort: number;
  readonly socketPorts: SocketPorts;
  /** Devices beside it: one delivers by HTTPS, one by socket. */
  readonly logger: DoorCredential;
  readonly hut: DoorCredential;
  /** Behind the proxy: a gateway that finds the cloud down waits in it, and does not back off for half a minute. */
  readonly #door: WaitingDoor;
  readonly #login: CloudProcess['login'];
  readonly #configFile: string;
  readonly #lives: Changing[] = [];
  readonly #killed = new Set<Service>();
  /** What ended though nobody had killed it. */
  readonly died: string[] = [];
  readonly #deaths = new AbortController();
  #cloud: Service;
  #gateway!: Service;
  #connections = 0;
  #progress: Pick<Progress, 'held' | 'connected'> & { at: number } = {
    at: 0,
    held: Number.NaN,
    connected: false,
  };

  private constructor({ folder, port, proxy, door, first, configFile, client, logger, hut }: Parts) {
    this.logger = logger;
    this.hut = hut;
    this.socketPorts = first.socketPorts;
    this.folder = folder;
    this.port = port;
    this.proxy = proxy;
    this.#door = door;
    this.client = client;
    this.mqttPort = first.mqttPort;
    this.httpsPort = first.httpsPort;
    this.#login = first.login;
    this.#configFile = configFile;
    this.#cloud = first.service;
    this.#mourn(this.#cloud);
  }

  /** Makes it in a temporary folder, and starts both. */
  static async open(): Promise<CrashSite> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-crash-'));
    const first = await CloudProcess.start({ state: join(folder, 'cloud'), sockets: freeSocketPorts });
    const port = await VirtualPort.open({ folder: join(folder, 'dev') });
    const door = await WaitingDoor.make(first.mqttPort);
    door.open();
    const proxy = await FaultProxy.open({ target: { port: door.port } });
    const configFile = await prepareGateway(first, {
      id: gatewayId,
      folder: join(folder, 'gateway'),
      sections: {
        uplink: { port: proxy.port, window_bytes: 16_384 },
        journal: { max_bytes: journalBytes, flush_seconds: flushSeconds },
        ports: [{ name: 'radio', path: port.path }],
        sensors: [{ tag: tag.toString(16).toUpperCase(), name: 'Counter', unit: '', simulated: true }],
      },
    });
    const client = await enrolIdentity(first, 'client-1');
    await first.organisation.patchOrganisation({ body: { sockets: 'signed' } });
    const logger = { device: 'logger', ...(await takeInSoftware(first, 'logger')).token };
    const hut = { device: 'hut', ...(await takeInSoftware(first, 'hut'))['socket-key'] };
    const site = new CrashSite({ folder, port, proxy, door, first, configFile, client, logger, hut });
    site.#startGateway();
    return site;
  }

  /** The cloud's state folder. */
  get state(): string {
    return join(this.folder, 'cloud');
  }

  /** Aborted with the first of `died`. */
  get death(): AbortSignal {
    return this.#deaths.signal;
  }

  get lives(): readonly GatewayLife[] {
    return this.#lives;
  }

  /** Connections to the cloud that the gateway has made, in all its lives. */
  get connections(): number {
    return this.#connections;
  }

  /** The gateway's last progress line, and when it came. */
  get progress() {
    return this.#progress;
  }

  /** kill -9. Resolves when they are gone. */
  async kill(victim: Victim): Promise<void> {
    if (victim !== 'gateway') this.#door.shut();
    await Promise.all([
      victim !== 'gateway' && this.#end(this.#cloud, 'SIGKILL'),
      victim !== 'cloud' && this.#end(this.#gateway, 'SIGKILL'),
    ]);
  }

  /** Starts what was killed, and waits for nothing. */
  start(victim: Victim): void {
    if (victim !== 'gateway') {
      this.#cloud = startCloudService({
        state: this.state,
        httpsPort: this.httpsPort,
        mqttPort: this.mqttPort,
        sockets: this.socketPorts,
        logFile: join(this.folder, 'cloud.log'),
      });
      this.#mourn(this.#cloud);
      const cloud = this.#cloud;
      cloud.onLine(({ event }) => {
        if (event === 'listening' && cloud === this.#cloud) this.#door.open();
      });
    }
    if (victim !== 'cloud') this.#startGateway();
  }

  /** What the cloud's ledger has of the gateway as declared dropped. */
  async declared(): Promise<Evidence['declared']> {
    const cloud = new CloudClient({
      url: `https://localhost:${this.httpsPort}`,
      authorityPem: this.client.authorityPem,
    });
    await cloud.logIn({ body: this.#login });
    const asked = { device: gatewayId, query: { epochs: 1000 } };
    const { epochs } = await cloud.organisation('first').getLedger(asked);
    return epochs.flatMap(({ epoch, gaps }) =>
      gaps.filter(({ state }) => state === 'dropped').map(({ first, last }) => ({ epoch, first, last })),
    );
  }

  /** Ends both in order, the gateway first, and gives up the port and the link. */
  async stop(): Promise<void> {
    await this.#end(this.#gateway, 'SIGTERM');
    await this.#end(this.#cloud, 'SIGTERM');
    await this.release();
  }

  /** Gives up all that would keep this process alive; what still runs is killed. */
  async release(): Promise<void> {
    await this.kill('both');
    await this.proxy.set(noFaults).catch(() => {});
    await this.proxy.close();
    await this.#door.close();
    await this.port.close();
  }

  async #end(service: Service, signal: NodeJS.Signals): Promise<void> {
    this.#killed.add(service);
    const life = this.#lives.at(-1);
    if (service === this.#gateway && signal === 'SIGKILL' && life?.endedAt === Number.POSITIVE_INFINITY) {
      life.endedAt = performance.now();
    }
    await service.stop(signal);
  }

  #startGateway(): void {
    const life: Changing = {
      epoch: undefined,
      openAt: undefined,
      endedAt: Number.POSITIVE_INFINITY,
      settled: 0,
    };
    this.#lives.push(life);
    this.#gateway = startGateway(this.#configFile, { logFile: join(this.folder, 'gateway.log') });
    this.#gateway.onLine((line) => {
      const now = performance.now();
      if (line.event === 'gateway-start') life.epoch = String(line.epoch);
      if (line.event === 'port-open') life.openAt ??= now;
      if (line.event === 'uplink-connected') this.#connections++;
      if (line.event !== 'progress') return;
      const { readings, held, connected } = line as unknown as Progress;
      this.#progress = { at: now, held, connected };
      life.settled = Math.max(life.settled, readings - held);
    });
    this.#mourn(this.#gateway);
  }

  #mourn(service: Service): void {
    void service.ended.then(({ code, signal }) => {
      if (this.#killed.has(service)) return;
      this.died.push(`the ${service.name} ended by itself (${signal ?? code}): ${service.errors.trim()}`);
      this.#deaths.abort();
    });
  }
}
