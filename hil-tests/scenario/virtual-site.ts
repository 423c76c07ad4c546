import { rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteSink, type FaultProxy, VirtualPort } from '../rig/index.ts';
import type { Adapters, Radio, Site } from './bench.ts';
import type { Capture } from './capture.ts';
import type { LocalCloud } from './local-cloud.ts';
import type { LocalGateway } from './local-gateway.ts';

/** A virtual port, and a recording of what goes over it. */
export class VirtualAdapter implements Radio {
  readonly label: string;
  readonly path: string;
  readonly #port: VirtualPort;
  readonly #capture: Capture;
  readonly #line: ByteSink;

  constructor(port: VirtualPort, name: string, capture: Capture) {
    this.label = `simulated adapter ${name}`;
    this.path = port.path;
    this.#port = port;
    this.#capture = capture;
    this.#line = capture.towards(port);
    port.onData((bytes) => capture.fromGateway(bytes));
  }

  /** The tty behind its path at this moment; undefined while unplugged. */
  get device(): string | undefined {
    return this.#port.device;
  }

  get bytesWritten(): number {
    return this.#port.bytesWritten;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#line.write(bytes);
  }

  drained(): Promise<void> {
    return this.#port.drained();
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#port.onData(listener);
  }

  async unplug(): Promise<void> {
    this.#capture.note('unplugged');
    await this.#port.unplug();
  }

  async replug(): Promise<void> {
    await this.#port.replug();
    this.#capture.note(`plugged in as ${this.#port.device}`);
  }

  close(): Promise<void> {
    return this.#port.close();
  }
}

/** Simulated adapters in a folder of their own. */
export class VirtualAdapters implements Adapters {
  readonly #folder: string;
  readonly #captureOf: (name: string) => Capture;
  readonly #all: VirtualAdapter[] = [];

  constructor(folder: string, captureOf: (name: string) => Capture) {
    this.#folder = folder;
    this.#captureOf = captureOf;
  }

  get first(): VirtualAdapter {
    const [first] = this.#all;
    if (first === undefined) throw new Error('no adapter was plugged in');
    return first;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  async plugIn(name: string): Promise<VirtualAdapter> {
    const port = await VirtualPort.open({ folder: this.#folder, name });
    const adapter = new VirtualAdapter(port, name, this.#captureOf(name));
    this.#all.push(adapter);
    return adapter;
  }

  async rename(name: string, to: string): Promise<void> {
    await rename(this.path(name), this.path(to));
  }

  async lead(name: string, to: Radio): Promise<void> {
    const { device } = this.#all.find((one) => one === to) ?? {};
    if (device === undefined) throw new Error(`${to.label} is not plugged in here`);
    const link = this.path(name);
    await symlink(device, `${link}.new`);
    await rename(`${link}.new`, link);
  }

  async unlink(name: string): Promise<void> {
    await rm(this.path(name));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((adapter) => adapter.close()));
  }
}

/** A simulated radio, the shipped gateway, the shipped cloud, and the way between them. */
export class VirtualSite implements Site {
  readonly adapters: VirtualAdapters;
  readonly gateway: LocalGateway;
  readonly cloud: LocalCloud;
  readonly #network: FaultProxy | undefined;

  constructor(
    adapters: VirtualAdapters,
    gateway: LocalGateway,
    cloud: LocalCloud,
    network: FaultProxy | undefined,
  ) {
    this.adapters = adapters;
    this.gateway = gateway;
    this.cloud = cloud;
    this.#network = network;
  }

  get radio(): VirtualAdapter {
    return this.adapters.first;
  }

  get network(): FaultProxy {
    if (this.#network === undefined)
      throw new Error("the link is straight: set the site up with link: 'proxied'");
    return this.#network;
  }

  /** Ends everything, also where ending one part fails; rejects then. */
  async close(): Promise<void> {
    const ends = [
      () => this.gateway.stop(),
      () => this.adapters.close(),
      () => this.#network?.close(),
      () => this.cloud.stop(),
    ];
    const wrong: unknown[] = [];
    for (const end of ends) {
      try {
        await end();
      } catch (error) {
        wrong.push(error);
      }
    }
    if (wrong.length > 0) throw wrong[0];
  }
}
