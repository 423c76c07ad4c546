import type { ByteSink } from '../rig/index.ts';
import type { Capture } from '../scenario/capture.ts';
import type { Radio } from '../scenario/index.ts';
import { MetalError } from './errors.ts';
import type { RealPort } from './real-port.ts';
import type { Plug } from './usb.ts';

/** Milliseconds that bytes may be on their way behind the end of the line: in an adapter, in its driver. */
const behindMs = 60;

/** A simulated radio's end of a real line, and a recording of what goes over it. */
export class LineRadio implements Radio {
  readonly label: string;
  readonly path: string;
  readonly #port: RealPort;
  readonly #plug: Plug | undefined;
  readonly #capture: Capture;
  readonly #line: ByteSink;

  /** @param path the gateway's end */
  constructor(port: RealPort, path: string, plug: Plug | undefined, capture: Capture) {
    this.label = `simulated radio on the real port ${port.path}`;
    this.path = path;
    this.#port = port;
    this.#plug = plug;
    this.#capture = capture;
    this.#line = capture.towards(port);
    port.onData((bytes) => capture.fromGateway(bytes));
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#line.write(bytes);
  }

  async drained(): Promise<void> {
    await this.#port.drained();
    await new Promise((resolve) => setTimeout(resolve, behindMs));
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    return this.#port.onData(listener);
  }

  async unplug(): Promise<void> {
    this.#capture.note('unplugging');
    await needed(this.#plug).unplug();
    this.#capture.note('unplugged');
  }

  async replug(): Promise<void> {
    await needed(this.#plug).replug();
    this.#capture.note('plugged in');
  }

  /** Gives the line another speed. */
  async setBaud(baud: number): Promise<void> {
    await this.#port.setBaud(baud);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }
}

/** A base station that nobody simulates: what is on the air is on the air. */
export class BaseStationRadio implements Radio {
  readonly label: string;
  readonly path: string;
  readonly #plug: Plug | undefined;

  constructor(path: string, plug: Plug | undefined) {
    this.label = `base station on ${path}`;
    this.path = path;
    this.#plug = plug;
  }

  async write(): Promise<void> {
    throw this.#notMine('nothing can be said in its place');
  }

  async drained(): Promise<void> {}

  onData(): () => void {
    throw this.#notMine('what the gateway sends to it cannot be heard');
  }

  async unplug(): Promise<void> {
    await needed(this.#plug).unplug();
  }

  async replug(): Promise<void> {
    await needed(this.#plug).replug();
  }

  async close(): Promise<void> {}

  #notMine(what: string): MetalError {
    return new MetalError(
      'option',
      `a base station is on ${this.path}: ${what}`,
      "let the scenario say needs: ['simulated-radio'], and it is skipped here by name",
    );
  }
}

function needed(plug: Plug | undefined): Plug {
  if (plug !== undefined) return plug;
  throw new MetalError(
    'unplug',
    'nobody unplugs anything here',
    "say --unplug-by; let the scenario say needs: ['unplug']",
  );
}
