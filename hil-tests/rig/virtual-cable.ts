import type { LineOptions } from './serial-line.ts';
import { VirtualPort } from './virtual-port.ts';

/** An end of a cable. */
export type CableEnd = 'left' | 'right';

/** Options of a virtual cable. Its speed holds both ways; by default it is as fast as it goes. */
export interface VirtualCableOptions extends LineOptions {
  /** Folder of the links of both ports; made if missing. Default: temporary ones, removed by close(). */
  readonly folder?: string;
  /** Names of the links. Default: `simulated-left` and `simulated-right`. */
  readonly names?: { readonly left: string; readonly right: string };
  /** What becomes of bytes on their way: these again, others, or none. Default: they pass. */
  readonly through?: (bytes: Uint8Array, from: CableEnd) => Uint8Array;
}

const otherEnd = { left: 'right', right: 'left' } as const;

/**
 * A null-modem cable between two simulated serial ports: two real kernel ttys, each for a program of its own, and what one
 * sends the other hears. It can be cut, after a number of bytes too, and watched. It has no flow control: bytes for a
 * program that does not read wait in memory. With a speed, each end's bytes are taken at its pace, and the sender waits.
 */
export class VirtualCable {
  readonly left: VirtualPort;
  readonly right: VirtualPort;
  readonly #through: NonNullable<VirtualCableOptions['through']>;
  #isCut = false;
  /** Bytes that still pass before it is cut. */
  #bytesLeft = Number.POSITIVE_INFINITY;
  #told: (isCut: boolean) => void = () => {};
  #bytes = 0;

  private constructor(left: VirtualPort, right: VirtualPort, options: VirtualCableOptions) {
    this.left = left;
    this.right = right;
    this.#through = options.through ?? ((bytes) => bytes);
    for (const from of ['left', 'right'] as const) {
      this[from].onData((bytes) => this.#carry(from, this.#through(bytes, from)));
    }
  }

  /** Makes both ports and plugs them in. Errors: RigError `pty`, `platform`, `link`. */
  static async open(options: VirtualCableOptions = {}): Promise<VirtualCable> {
    const { folder, names = { left: 'simulated-left', right: 'simulated-right' } } = options;
    const { speed, clock } = options;
    const shared = {
      ...(folder !== undefined && { folder }),
      ...(speed !== undefined && { intake: speed }),
      ...(clock !== undefined && { clock }),
    };
    const left = await VirtualPort.open({ ...shared, name: names.left });
    const right = await VirtualPort.open({ ...shared, name: names.right });
    return new VirtualCable(left, right, options);
  }

  /** Bytes that came to the cable from both ends, so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Nothing passes from now on, and neither program is told. */
  cut(): void {
    this.#isCut = true;
    this.#told(true);
  }

  /**
   * Cuts it when so many bytes more have passed, of both directions together. Resolves when it is cut, with true; with false
   * when it is not going to be: it was mended or closed before, or is to be cut after another number.
   */
  cutAfter(bytes: number): Promise<boolean> {
    this.#told(false);
    this.#bytesLeft = bytes;
    return new Promise((resolve) => {
      this.#told = resolve;
    });
  }

  /** Makes it whole again; what was sent meanwhile is lost. */
  mend(): void {
    this.#isCut = false;
    this.#bytesLeft = Number.POSITIVE_INFINITY;
    this.#told(false);
  }

  async close(): Promise<void> {
    this.#told(false);
    await this.left.close();
    await this.right.close();
  }

  /** So that `await using` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #carry(from: CableEnd, bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#isCut) return;
    const passing = bytes.subarray(0, Math.min(bytes.length, this.#bytesLeft));
    this.#bytesLeft -= passing.length;
    const to: VirtualPort = this[otherEnd[from]];
    // What is sent to a port that is unplugged is lost.
    if (to.state === 'plugged' && passing.length > 0) to.write(passing).catch(() => {});
    if (this.#bytesLeft === 0) this.cut();
  }
}
