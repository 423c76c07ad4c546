import { EventEmitter, on, once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readlink, rm, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { RigError } from './errors.ts';
import { openPty, unreadBytes } from './pty.ts';

/** Anything bytes can be sent into: a virtual port, a fault between station and port, an array in a test. */
export interface ByteSink {
  /** Resolves when all of `bytes` has been taken; that is the back-pressure. Calls are carried out in order. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Options of a virtual port. */
export interface VirtualPortOptions {
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

interface Plug {
  readonly master: number;
  readonly slave: number;
  readonly device: string;
  readonly stream: ReadStream;
}

/**
 * A simulated serial port: a real kernel tty that any program can open by `path`, without root. It passes all 256
 * byte values both ways, can be unplugged and plugged in again. A pty enforces no baud rate and has no modem lines.
 *
 * Nothing is lost while the host does not read: the kernel fills (some 10 KB) and `write` waits.
 */
export class VirtualPort implements ByteSink {
  /** What the host opens: a link that survives replug(), though the /dev/pts/N behind it changes. */
  readonly path: string;
  readonly #ownFolder: string | undefined;
  readonly #events = new EventEmitter().setMaxListeners(0);
  #plug: Plug | undefined;
  #closed = false;
  #lastWrite: Promise<void> = Promise.resolve();
  #bytesWritten = 0;
  #bytesRead = 0;

  private constructor(path: string, ownFolder: string | undefined) {
    this.path = path;
    this.#ownFolder = ownFolder;
  }

  /** Makes a port and plugs it in. Errors: RigError `pty`, `platform`, `link`. */
  static async open(options: VirtualPortOptions = {}): Promise<VirtualPort> {
    const { folder, name = 'usb-Loadline_Simulated_T24_Base_Station-if00' } = options;
    const ownFolder = folder === undefined ? await mkdtemp(join(tmpdir(), 'loadline-ports-')) : undefined;
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const port = new VirtualPort(join(folder ?? ownFolder ?? '', name), ownFolder);
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

  /** Bytes the host has sent, since the port was made. */
  get bytesRead(): number {
    return this.#bytesRead;
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
   * Resolves when the host has read everything that was written, which is never while nobody reads; or when the port
   * is unplugged, or `signal` is aborted.
   */
  async drained(signal?: AbortSignal): Promise<void> {
    let isTaken = false;
    void this.#lastWrite.then(() => {
      isTaken = true;
    });
    for (let quiet = 0; quiet < DRAINED_MS; quiet += RETRY_MS) {
      const plug = this.#plug;
      if (plug === undefined || signal?.aborted) return;
      if (!isTaken || unreadBytes(plug.slave) > 0) quiet = 0;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
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
    // The link first, so that a host that sees the hang-up never finds a link to a dead device. And only if it is
    // still this port's: another one may have been made in its place.
    const linked = await readlink(this.path).catch(() => undefined);
    if (linked === plug.device) await unlink(this.path);
    await hangUp(plug);
  }

  /** Plugs the port in again: a new tty, usually of another name, behind the same link. */
  async replug(): Promise<void> {
    if (this.#closed)
      throw new RigError('closed', `virtual port ${this.path} has been closed; make a new one`);
    if (this.#plug !== undefined) return;
    const pty = openPty();
    const stream = new ReadStream(pty.master);
    const plug = { ...pty, stream };
    this.#plug = plug;
    // Reading ends in EIO or EOF when the port is unplugged; that is no news here.
    stream.on('error', () => undefined);
    stream.on('data', (bytes: Buffer) => {
      this.#bytesRead += bytes.length;
      this.#events.emit('data', bytes);
    });
    try {
      await this.#link(pty.device);
    } catch (error) {
      this.#plug = undefined;
      await hangUp(plug);
      throw new RigError('link', `cannot make the port's link ${this.path}: ${String(error)}`, {
        cause: error,
      });
    }
  }

  /** Unplugs for good, and removes the folder if it was the port's own. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.unplug();
    this.#events.emit('close');
    if (this.#ownFolder !== undefined) await rm(this.#ownFolder, { recursive: true, force: true });
  }

  async #link(device: string): Promise<void> {
    // A link left by a process that was killed is replaced; anything else in its place is not ours to remove.
    const old = await lstat(this.path).catch(() => undefined);
    if (old?.isSymbolicLink()) await unlink(this.path);
    await symlink(device, this.path);
  }

  async #push(plug: Plug | undefined, bytes: Uint8Array): Promise<void> {
    let taken = 0;
    while (taken < bytes.length) {
      if (plug === undefined || plug !== this.#plug) throw this.#gone(taken, bytes.length);
      try {
        // Synchronous, because the master never blocks, and so the descriptor cannot be closed under a write.
        const count = writeSync(plug.master, bytes, taken);
        taken += count;
        this.#bytesWritten += count;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #gone(taken: number, length: number): RigError {
    const code = this.#closed ? 'closed' : 'unplugged';
    return new RigError(code, `virtual port ${this.path} is ${code}: ${taken} of ${length} bytes were taken`);
  }
}

async function hangUp(plug: Plug): Promise<void> {
  const gone = once(plug.stream, 'close');
  plug.stream.destroy();
  closeSync(plug.slave);
  await gone;
}
