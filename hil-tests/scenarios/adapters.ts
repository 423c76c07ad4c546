import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualPort } from '../rig/index.ts';

/** Several adapters in a folder of their own, as /dev/serial/by-id is: for ports that a pattern leads to. */
export class Adapters {
  readonly folder: string;
  readonly #ports: VirtualPort[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Adapters> {
    return new Adapters(await mkdtemp(join(tmpdir(), 'loadline-adapters-')));
  }

  /** Plugs an adapter in under this name. */
  async plugIn(name: string): Promise<VirtualPort> {
    const port = await VirtualPort.open({ folder: this.folder, name });
    this.#ports.push(port);
    return port;
  }

  /** Path or pattern in this folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.close()));
    await rm(this.folder, { recursive: true });
  }
}
