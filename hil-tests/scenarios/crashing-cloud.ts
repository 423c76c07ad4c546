import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudProcess, type SocketPorts } from '../system/index.ts';

/** A cloud that is killed and started again on the same state and ports. */
export class CrashingCloud {
  readonly folder: string;
  #cloud: CloudProcess;

  private constructor(folder: string, cloud: CloudProcess) {
    this.folder = folder;
    this.#cloud = cloud;
  }

  /** Starts it on a temporary folder; for devices by socket too, where `sockets` says so. */
  static async start({ sockets }: { readonly sockets?: SocketPorts } = {}): Promise<CrashingCloud> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-crash-'));
    const state = join(folder, 'cloud');
    return new CrashingCloud(folder, await CloudProcess.start({ state, ...(sockets && { sockets }) }));
  }

  /** The cloud that runs, or ran last. */
  get current(): CloudProcess {
    return this.#cloud;
  }

  /** The cloud's state. */
  get state(): string {
    return join(this.folder, 'cloud');
  }

  /** kill -9. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#cloud.service.stop('SIGKILL');
  }

  /** Starts it again; resolves when it listens. */
  async restart(): Promise<CloudProcess> {
    const { httpsPort, mqttPort, socketPorts } = this.#cloud;
    const sockets = socketPorts.tcp > 0 && { sockets: socketPorts };
    this.#cloud = await CloudProcess.start({ state: this.state, httpsPort, mqttPort, ...sockets });
    return this.#cloud;
  }

  /** Ends it and removes its folder. */
  async end(): Promise<void> {
    await this.#cloud.service.stop();
    await rm(this.folder, { recursive: true });
  }
}
