import { EventEmitter, on } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSink } from './byte-sink.ts';
import { type Clock, realClock } from './clock.ts';
import { inRange, RigError } from './errors.ts';
import { type Intake, IntakeQueue } from './intake.ts';
import { Plug } from './plug.ts';
import { type PortLink, StableLink } from './port-link.ts';
import { closePty, openPty, type Pty } from './pty.ts';
import { type UntilOptions, until } from './until.ts';

/** How a virtual port behaves from the beginning. */
export interface PortBehaviour {
  /** How it takes what the host sends. Default: as fast as it comes. */
  readonly intake?: Intake;
  /** Time of a paced intake. Default: the computer's own clock. */
  readonly clock?: Clock;
}

/** Options of a virtual port. */
export interface VirtualPortOptions extends PortBehaviour {
  /** Folder of the link, as /dev/serial/by-id is; made if missing. Default: a new temporary one, removed by close(). */
  readonly folder?: string;
  /** Name of the link. Default: `usb-Loadline_Simulated_T24_Base_Station-if00`. */
  readonly name?: string;
}

/** Whether the virtual port is there for a host. `closed` is for good. */
export type PortState = 'plugged' | 'unplugged' | 'closed';

/** The kernel wakes nobody when a pty has room again, so a full one is tried again this often. */
const RETRY_MS = 1;
/** The kernel hands bytes on in its own time: what is unread must be none for this long. */
const DRAINED_MS = 20;
/** A program that has opened a port sets it up in the next milliseconds, and throws away what came before. */
const SET_UP_MS = 100;

/** The port is to be unplugged in the middle of what is written. */
interface PlannedUnplug {
  /** Bytes that are still sent whole. */
  bytes: number;
  readonly lastBytes: 'heard' | 'lost';
  readonly done: () => void;
}

/**
 * A simulated serial port: a real kernel tty that any program can open by `path`, without root. It passes all 256
 * byte values both ways, can be unplugged and plugged in again. A pty enforces no baud rate and has no modem lines.
 *
 * Nothing is lost while the host does not read: the kernel fills (10 to 20 KB) and `write` waits.
 */
export class VirtualPort implements ByteSink {
  /** What the host opens: a link that survives replug(), though the /dev/pts/N behind it changes. */
  readonly path: string;
  readonly #link: PortLink;
  readonly #ownFolder: string | undefined;
  readonly #intake: IntakeQueue;
  readonly #events = new EventEmitter().setMaxListeners(0);
  #plug: Plug | undefined;
  /** What the port was before it was unplugged. */
  #lastDevice: string | undefined;
  #plannedUnplug: PlannedUnplug | undefined;
  #closed = false;
  #lastWrite: Promise<void> = Promise.resolve();
  #bytesWritten = 0;
  #bytesRead = 0;

  private constructor(link: PortLink, ownFolder: string | undefined, behaviour: PortBehaviour) {
    const { intake = { kind: 'as-fast-as-it-goes' }, clock = realClock } = behaviour;
    this.path = link.path;
    this.#link = link;
    this.#ownFolder = ownFolder;
    this.#intake = new IntakeQueue(intake, {
      clock,
      taken: (bytes) => {
        this.#bytesRead += bytes.length;
        this.#events.emit('data', bytes);
      },
      flow: (flow) => {
        this.#plug?.setFlow(flow);
      },
    });
  }

  /** Makes a port and plugs it in. Errors: RigError `pty`, `platform`, `link`, `option`. */
  static async open(options: VirtualPortOptions = {}): Promise<VirtualPort> {
    const { folder, name = 'usb-Loadline_Simulated_T24_Base_Station-if00' } = options;
    const ownFolder = folder === undefined ? await mkdtemp(join(tmpdir(), 'loadline-ports-')) : undefined;
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const port = new VirtualPort(new StableLink(join(folder ?? ownFolder ?? '', name)), ownFolder, options);
    await port.replug();
    return port;
  }

  /** Makes a port that hosts find by links of its maker's, and plugs it in. Errors: as of open(), and the link's. */
  static async behind(link: PortLink, behaviour: PortBehaviour = {}): Promise<VirtualPort> {
    const port = new VirtualPort(link, undefined, behaviour);
    await port.replug();
    return port;
  }

  get state(): PortState {
    if (this.#closed) return 'closed';
    return this.#plug === undefined ? 'unplugged' : 'plugged';
  }

  /** The tty behind `path` at this moment, such as `/dev/pts/7`; undefined while unplugged. */
  get device(): string | undefined {
    return this.#plug?.device;
  }

  /** Bytes the kernel has taken for the host, since the port was made. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes of the host that the device has taken, since the port was made. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** How the device takes what the host sends. */
  get intake(): Intake {
    return this.#intake.intake;
  }

  /**
   * Changes how the device takes what the host sends, at once, also for what it has not taken yet: at a baud rate, or
   * `stuck`. Where bytes wait (4 KB, or some 20 KB of one big write), or where it is stuck, the host's writes do: a
   * program that does not block gets EAGAIN and no wake-up. A pty's tcdrain(3) returns at once all the same.
   * Throws RigError `option`.
   */
  setIntake(intake: Intake): void {
    this.#intake.set(intake);
  }

  /**
   * Sends `bytes` to the host. Resolves when the kernel has taken all of them, which waits while the host does not
   * read. Rejects with RigError `unplugged` or `closed` if the port goes meanwhile, or is gone already.
   */
  write(bytes: Uint8Array): Promise<void> {
    const plug = this.#plug;
    const done = this.#lastWrite.then(() => this.#push(plug, bytes));
    this.#lastWrite = done.catch(() => undefined);
    return done;
  }

  /**
   * Resolves when a program has opened the port since it was plugged in, and has had 100 ms to set it up: `serialport` and its
   * like throw away what came before. Rejects with RigError `timeout` where none does, `closed`; `pty` where the kernel
   * does not tell.
   */
  async opened(options: Pick<UntilOptions, 'limitMs'> = {}): Promise<void> {
    const isOpened = () => {
      this.#refuseIfClosed();
      return this.#plug?.isOpened;
    };
    await until(isOpened, { ...options, what: `a program opens ${this.path}` });
    await new Promise((resolve) => setTimeout(resolve, SET_UP_MS));
  }

  /**
   * Resolves when the host has read everything that was written, which is never while nobody reads; or when the port
   * is unplugged, or `signal` is aborted.
   */
  async drained(signal?: AbortSignal): Promise<void> {
    let isTaken = false;
    void this.#lastWrite.then(() => {
      isTaken = true;
    });
    await this.#heard(() => isTaken, signal);
  }

  /** Calls `listener` with what the host sends, as it comes. Returns a function that ends it. */
  onData(listener: (bytes: Uint8Array) => void): () => void {
    this.#events.on('data', listener);
    return () => this.#events.off('data', listener);
  }

  /** What the host sends from now on, until the port is closed; across unplug and replug. */
  async *received(): AsyncGenerator<Uint8Array> {
    if (this.#closed) return;
    for await (const [bytes] of on(this.#events, 'data', { close: ['close'] })) yield bytes;
  }

  /**
   * Pulls the plug: the link goes, then the tty hangs up. A host that has it open sees its port close; what it had
   * not read yet is lost. Does nothing on a port that is not plugged in.
   */
  async unplug(): Promise<void> {
    const plug = this.#plug;
    if (plug === undefined) return;
    this.#plug = undefined;
    this.#lastDevice = plug.device;
    // The link first, so that a host that sees the hang-up never finds a link to a dead device.
    await this.#link.leave(plug.device);
    await plug.hangUp();
    this.#plannedUnplug?.done();
    this.#plannedUnplug = undefined;
  }

  /**
   * Pulls the plug when `bytes` more have been written, in the middle of a frame if it is there that they end: a
   * brown-out of the device's supply. Resolves when it is unplugged. The write that is cut short rejects, and says how
   * many bytes were taken.
   *
   * @param lastBytes `heard`: the host has read them before the line hangs up, which is never if it does not read;
   *   `lost`: the hang-up comes right behind them, and the host may hear some or none of what it had not read
   */
  unplugAfter(bytes: number, lastBytes: 'heard' | 'lost' = 'heard'): Promise<void> {
    inRange('bytes', bytes, 1, Number.MAX_SAFE_INTEGER);
    this.#plannedUnplug?.done();
    return new Promise((done) => {
      this.#plannedUnplug = { bytes, lastBytes, done };
    });
  }

  /** Plugs the port in again: a new tty, usually of another name, behind the same link. */
  async replug(): Promise<void> {
    this.#refuseIfClosed();
    if (this.#plug === undefined) await this.#plugIn(openPty());
  }

  /** Unplugs the port and plugs it in again as another device for certain: another `/dev/pts/N` behind the same link. */
  async renumber(): Promise<void> {
    this.#refuseIfClosed();
    // The kernel takes the lowest number that is free: made while the old one is held, it is another.
    let pty = openPty();
    await this.unplug();
    if (pty.device === this.#lastDevice) {
      const same = pty;
      pty = openPty();
      closePty(same);
    }
    await this.#plugIn(pty);
  }

  /** Unplugs for good, and removes the folder if it was the port's own. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.unplug();
    this.#events.emit('close');
    if (this.#ownFolder !== undefined) await rm(this.#ownFolder, { recursive: true, force: true });
  }

  /** So that `await using` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseIfClosed(): void {
    if (!this.#closed) return;
    throw new RigError('closed', `virtual port ${this.path} has been closed; make a new one`);
  }

  async #plugIn(pty: Pty): Promise<void> {
    const plug: Plug = new Plug(pty, (bytes) => {
      if (plug === this.#plug) this.#intake.take(bytes);
    });
    this.#plug = plug;
    this.#intake.renew();
    try {
      await this.#link.lead(pty.device);
    } catch (error) {
      this.#plug = undefined;
      await plug.hangUp();
      throw error;
    }
  }

  async #push(plug: Plug | undefined, bytes: Uint8Array): Promise<void> {
    let taken = 0;
    while (taken < bytes.length) {
      if (plug === undefined || plug !== this.#plug) throw this.#gone(taken, bytes.length);
      const planned = this.#plannedUnplug;
      const length = Math.min(bytes.length - taken, planned?.bytes ?? Number.POSITIVE_INFINITY);
      const count = plug.give(bytes.subarray(taken, taken + length));
      if (count === 0) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      taken += count;
      this.#bytesWritten += count;
      if (planned !== undefined) await this.#towardsUnplug(planned, count);
    }
  }

  async #towardsUnplug(planned: PlannedUnplug, written: number): Promise<void> {
    planned.bytes -= written;
    if (planned.bytes > 0 || planned !== this.#plannedUnplug) return;
    if (planned.lastBytes === 'heard') await this.#heard(() => true);
    await this.unplug();
  }

  /** Resolves when `isTaken`, and the host has read everything for a while; or the port is gone, or `signal` aborted. */
  async #heard(isTaken: () => boolean, signal?: AbortSignal): Promise<void> {
    for (let quiet = 0; quiet < DRAINED_MS; quiet += RETRY_MS) {
      const plug = this.#plug;
      if (plug === undefined || signal?.aborted) return;
      if (!isTaken() || plug.unreadBytes > 0) quiet = 0;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #gone(taken: number, length: number): RigError {
    const code = this.#closed ? 'closed' : 'unplugged';
    const message = `virtual port ${this.path} is ${code}: ${taken} of ${length} bytes were taken`;
    return new RigError(code, message, { takenBytes: taken });
  }
}
