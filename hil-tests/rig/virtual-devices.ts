import { mkdir, mkdtemp, readlink, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { inRange, RigError } from './errors.ts';
import { linkTo, type PortLink } from './port-link.ts';
import { type PortBehaviour, VirtualPort } from './virtual-port.ts';

/** Options of a folder of devices. */
export interface VirtualDevicesOptions {
  /** The folder; made if missing, and then removed by close(). Default: a new temporary one. */
  readonly folder?: string;
}

/** An adapter that is plugged in. */
export interface PluggedDevice extends PortBehaviour {
  /**
   * How it names itself: its link in `serial/by-id`. Several may say the same, as adapters without a serial number do.
   * Default: `usb-Loadline_Simulated_T24_Base_Station-if00`.
   */
  readonly id?: string;
  /** The USB socket it is in, which its link in `serial/by-path` is named for. Default: the lowest free one. */
  readonly socket?: number;
}

/** Sockets of the simulated hub. */
const SOCKETS = 127;

/**
 * A folder of simulated serial devices, made as udev makes /dev: `ttyUSB0` and so on by the lowest free number,
 * `serial/by-id` by what an adapter says of itself, `serial/by-path` by the socket it is in. Point a runtime at a link or
 * at a pattern in it. An adapter that is plugged in again may get another number; of adapters that name themselves alike
 * the latest has the link, and when it goes the one before has it again.
 */
export class VirtualDevices {
  /** What stands for /dev. */
  readonly folder: string;
  readonly #isOwn: boolean;
  readonly #devices = new Map<VirtualPort, Links>();
  readonly #names = new Names();

  private constructor(folder: string, isOwn: boolean) {
    this.folder = folder;
    this.#isOwn = isOwn;
  }

  /** Makes the folder. Rejects as the file system does. */
  static async open(options: VirtualDevicesOptions = {}): Promise<VirtualDevices> {
    const { folder } = options;
    if (folder === undefined) {
      return new VirtualDevices(await mkdtemp(join(tmpdir(), 'loadline-devices-')), true);
    }
    return new VirtualDevices(folder, (await mkdir(folder, { recursive: true })) !== undefined);
  }

  /** A path or pattern of links by what adapters say of themselves, such as `usb-*`. */
  byId(pattern: string): string {
    return join(this.folder, 'serial/by-id', pattern);
  }

  /** A path or pattern of links by socket, such as `simulated-usb-0:*`. */
  byPath(pattern: string): string {
    return join(this.folder, 'serial/by-path', pattern);
  }

  /**
   * Plugs a new adapter in. The port's `path` is its link by id; unplug(), replug(), renumber() and close() are the
   * port's own. Errors: RigError `option` where the socket is taken, and as of VirtualPort.open().
   */
  async plugIn(device: PluggedDevice = {}): Promise<VirtualPort> {
    const { id = 'usb-Loadline_Simulated_T24_Base_Station-if00', socket = this.#freeSocket() } = device;
    inRange('socket', socket, 1, SOCKETS);
    if (this.#portIn(socket) !== undefined) {
      throw new RigError('option', `socket ${socket} of ${this.folder} has an adapter: unplug that first`);
    }
    const links = new Links(this.folder, this.#names, id, socket);
    const port = await VirtualPort.behind(links, device);
    this.#devices.set(port, links);
    return port;
  }

  /** The path by number that a port has at the moment, such as `…/ttyUSB0`; undefined while it is unplugged. */
  numbered(port: VirtualPort): string | undefined {
    return this.#devices.get(port)?.numbered;
  }

  /** The path by socket that a port has, while it is plugged in. */
  socketed(port: VirtualPort): string {
    return this.#linksOf(port).socketed;
  }

  /**
   * Changes the cables of two adapters: both are unplugged, and each is plugged in where the other was, the first one
   * first. Their numbers and paths by socket change hands; their links by id lead to them still.
   */
  async swap(first: VirtualPort, second: VirtualPort): Promise<void> {
    const [one, other] = [this.#linksOf(first), this.#linksOf(second)];
    const numbers = [one.number, other.number] as const;
    await first.unplug();
    await second.unplug();
    [one.socket, other.socket] = [other.socket, one.socket];
    [one.wanted, other.wanted] = [numbers[1], numbers[0]];
    await first.replug();
    await second.replug();
  }

  /**
   * Keeps a number from being given, as the kernel does while a program still has the dead device open: the adapter
   * comes back as another. Returns a function that gives it free.
   */
  keepNumber(number: number): () => void {
    return this.#names.keep(number);
  }

  /** Closes all ports, and removes the folder where it was made for this. */
  async close(): Promise<void> {
    for (const port of this.#devices.keys()) await port.close();
    if (this.#isOwn) await rm(this.folder, { recursive: true, force: true });
  }

  /** So that `await using` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #linksOf(port: VirtualPort): Links {
    const links = this.#devices.get(port);
    if (links === undefined)
      throw new RigError('option', `${port.path} was not plugged in in ${this.folder}`);
    return links;
  }

  #portIn(socket: number): VirtualPort | undefined {
    for (const [port, links] of this.#devices) {
      if (links.socket === socket && port.state === 'plugged') return port;
    }
    return undefined;
  }

  #freeSocket(): number {
    const taken = new Set([...this.#devices.values()].map(({ socket }) => socket));
    for (let socket = 1; socket < SOCKETS; socket++) if (!taken.has(socket)) return socket;
    return SOCKETS;
  }
}

/** The three links of one adapter. */
class Links implements PortLink {
  readonly path: string;
  socket: number;
  /** The number it is to get, if that is free. */
  wanted: number | undefined;
  readonly #folder: string;
  readonly #names: Names;
  #number: number | undefined;

  constructor(folder: string, names: Names, id: string, socket: number) {
    this.path = join(folder, 'serial/by-id', id);
    this.socket = socket;
    this.#folder = folder;
    this.#names = names;
  }

  get number(): number | undefined {
    return this.#number;
  }

  get numbered(): string | undefined {
    return this.#number === undefined ? undefined : join(this.#folder, `ttyUSB${this.#number}`);
  }

  get socketed(): string {
    return join(this.#folder, 'serial/by-path', `simulated-usb-0:1.${this.socket}:1.0`);
  }

  async lead(device: string): Promise<void> {
    this.#number = this.#names.take(this.wanted);
    this.wanted = undefined;
    const numbered = join(this.#folder, `ttyUSB${this.#number}`);
    await linkTo(device, numbered);
    for (const path of [this.path, this.socketed]) await this.#names.claim(path, numbered);
  }

  async leave(): Promise<void> {
    const { numbered } = this;
    if (numbered === undefined || this.#number === undefined) return;
    for (const path of [this.path, this.socketed]) await this.#names.waive(path, numbered);
    await unlink(numbered);
    this.#names.give(this.#number);
    this.#number = undefined;
  }
}

/** Who has which number and which link, in a folder. */
class Names {
  readonly #numbers = new Set<number>();
  /** Numbers that dead devices have, which programs still have open. */
  readonly #kept = new Set<number>();
  /** Of each link, the devices that lay claim to it, the latest last. */
  readonly #claims = new Map<string, string[]>();

  /** The wanted number if it is free, else the lowest that is. */
  take(wanted = 0): number {
    const isFree = (number: number): boolean => !this.#numbers.has(number) && !this.#kept.has(number);
    let number = isFree(wanted) ? wanted : 0;
    while (!isFree(number)) number += 1;
    this.#numbers.add(number);
    return number;
  }

  give(number: number): void {
    this.#numbers.delete(number);
  }

  keep(number: number): () => void {
    this.#kept.add(number);
    return () => this.#kept.delete(number);
  }

  async claim(path: string, numbered: string): Promise<void> {
    const claims = this.#claims.get(path) ?? [];
    this.#claims.set(path, [...claims, numbered]);
    await this.#lead(path, numbered);
  }

  async waive(path: string, numbered: string): Promise<void> {
    const claims = (this.#claims.get(path) ?? []).filter((claim) => claim !== numbered);
    this.#claims.set(path, claims);
    const latest = claims.at(-1);
    const present = await readlink(path).catch(() => undefined);
    if (latest !== undefined) await this.#lead(path, latest);
    else if (present === relative(dirname(path), numbered)) await unlink(path);
  }

  async #lead(path: string, numbered: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await linkTo(relative(dirname(path), numbered), path);
  }
}
