import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpsClient, SocketClient } from '../crash/door-clients.ts';
import { FaultProxy, noFaults, SpoiledLine, until, VirtualPort } from '../rig/index.ts';
import { takeInSoftware } from '../scenarios/software-device.ts';
import {
  CloudProcess,
  freeSocketPorts,
  prepareGateway,
  type Service,
  startGateway,
} from '../system/index.ts';

/** What the gateway is called. */
export const gatewayId = 'mast-1';
/** Simulated transmitters, all of them configured. */
export const tags: readonly number[] = Array.from({ length: 12 }, (_, at) => 0x3a10 + at);

/** A stretch of time, on the clock of `performance.now`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What of the gateway's progress lines is read. */
interface Progress {
  readonly frames: number;
  readonly readings: number;
  readonly held: number;
  readonly connected: boolean;
}

interface Parts {
  readonly folder: string;
  readonly cloud: CloudProcess;
  readonly port: VirtualPort;
  readonly line: SpoiledLine;
  readonly proxies: readonly FaultProxy[];
  readonly gateway: Service;
  readonly clients: readonly [HttpsClient, SocketClient];
}

/** Milliseconds in which a gateway has a port open again that is back: it looks every half second. */
const patience = 60_000;
/** Milliseconds before the plug is pulled from which on a frame may still be on its way to the gateway. */
const onTheWayMs = 2000;

/** One life of the shipped gateway and of the cloud, and everything between and before them that can be made bad. */
export class SoakSite {
  readonly folder: string;
  readonly cloud: CloudProcess;
  readonly port: VirtualPort;
  /** The line into the port. */
  readonly line: SpoiledLine;
  /** The ways to the cloud: of the gateway, and of the devices that deliver by HTTPS and by socket. */
  readonly proxies: readonly FaultProxy[];
  readonly gateway: Service;
  /** Devices beside the gateway. */
  readonly clients: readonly [HttpsClient, SocketClient];
  /** Where the cloud tells its metrics. */
  metricsUrl = '';
  /** While these last, what is written to the line may be lost with good reason. */
  readonly doubts: Stretch[] = [];
  #closings = 0;
  #progress: Progress & { readonly at: number } = {
    at: 0,
    frames: 0,
    readings: 0,
    held: 0,
    connected: false,
  };

  private constructor(parts: Parts) {
    this.folder = parts.folder;
    this.cloud = parts.cloud;
    this.port = parts.port;
    this.line = parts.line;
    this.proxies = parts.proxies;
    this.gateway = parts.gateway;
    this.clients = parts.clients;
    this.gateway.onLine((line) => {
      if (line.event === 'port-closed') this.#closings += 1;
      if (line.event === 'progress')
        this.#progress = { ...(line as unknown as Progress), at: performance.now() };
    });
  }

  /** Makes it in a folder, starts both, and resolves when they are connected. */
  static async open(folder: string, seed: number): Promise<SoakSite> {
    await mkdir(folder, { recursive: true });
    const cloud = await CloudProcess.start({
      state: join(folder, 'cloud'),
      sockets: freeSocketPorts,
      metrics: true,
      logFile: join(folder, 'cloud.log'),
    });
    await cloud.organisation.patchOrganisation({ body: { sockets: 'signed' } });
    const { token } = await takeInSoftware(cloud, 'logger');
    const { 'socket-key': key } = await takeInSoftware(cloud, 'hut');
    const port = await VirtualPort.open({ folder: join(folder, 'dev') });
    const doors = [cloud.mqttPort, cloud.httpsPort, cloud.socketPorts.tcp] as const;
    const [mqtt, https, socket] = await Promise.all([
      FaultProxy.open({ target: { port: doors[0] }, seed }),
      FaultProxy.open({ target: { port: doors[1] }, seed: seed + 1 }),
      FaultProxy.open({ target: { port: doors[2] }, seed: seed + 2 }),
    ]);
    const configFile = await prepareGateway(cloud, {
      id: gatewayId,
      folder: join(folder, 'gateway'),
      sections: {
        uplink: { port: mqtt.port },
        ports: [{ name: 'radio', path: port.path }],
        sensors: tags.map((tag, at) => ({
          ...{ tag: tag.toString(16).toUpperCase(), name: `Counter ${at + 1}`, unit: '', simulated: true },
        })),
      },
    });
    const gateway = startGateway(configFile, { logFile: join(folder, 'gateway.log') });
    const site = new SoakSite({
      ...{ folder, cloud, port, gateway, proxies: [mqtt, https, socket] },
      line: new SpoiledLine(port, { seed }),
      clients: [
        new HttpsClient(https.port, cloud.authorityPem, { device: 'logger', ...token }),
        new SocketClient(socket.port, { device: 'hut', ...key }),
      ],
    });
    const { metricsPort } = await cloud.service.line('listening');
    site.metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    await gateway.line('port-open');
    await gateway.line('uplink-connected');
    return site;
  }

  /** The gateway's last progress line, and when it came. */
  get progress() {
    return this.#progress;
  }

  /** How often the gateway has lost its port. That it has it again is an event, of which it tells only so many a minute. */
  get closings(): number {
    return this.#closings;
  }

  /** Resolves when frames come through, which they are sent all the while: the port is open. */
  async hears(): Promise<void> {
    const since = performance.now();
    let before: number | undefined;
    await until(
      () => {
        const { at, frames } = this.#progress;
        if (this.dead !== undefined) return true;
        if (at <= since) return false;
        before ??= frames;
        return frames > before;
      },
      { limitMs: patience, what: 'the gateway hears its radio again' },
    );
  }

  /** What ended though nobody had ended it. */
  get dead(): Service | undefined {
    return [this.gateway, this.cloud.service].find(({ end }) => end !== undefined);
  }

  /** Carries out what makes the line lose frames with good reason, and remembers while. */
  async doubtful(work: () => Promise<void>): Promise<void> {
    const from = performance.now() - onTheWayMs;
    await work();
    this.doubts.push({ from, to: performance.now() });
  }

  /** Ends both in order, the gateway first, and gives up everything else. */
  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.cloud.service.stop();
    await this.release();
  }

  /** Gives up all that would keep this process alive; what still runs is killed. */
  async release(): Promise<void> {
    for (const service of [this.gateway, this.cloud.service])
      if (service.end === undefined) await service.stop('SIGKILL');
    await Promise.all(this.clients.map((client) => client.abandon()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.port.close();
  }
}

/** Takes every fault of the network back. */
export async function healed({ proxies }: SoakSite): Promise<void> {
  for (const proxy of proxies) {
    await proxy.clear();
    await proxy.set(noFaults);
  }
}
