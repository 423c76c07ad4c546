import { readReadings } from '@loadline/cloud';
import { until, VirtualPort } from '../rig/index.ts';
import { Workbench } from '../scenarios/workbench.ts';
import { countingTransmitter } from './counting.ts';
import { cloudName, Lan, wire } from './lan.ts';
import { type Boot, Machine, type MachineBoard } from './machine.ts';
import { goFirst } from './priority.ts';

/** Milliseconds that an emulated machine may take for anything: it is some fifty times slower than a real one at worst. */
const patience = 1_200_000;
/** How often the cloud is asked for what is waited for. */
const askEvery = 200;
/** Milliseconds after which nothing more comes: a gateway sends what it holds at once. */
const quiet = 15_000;
/** A machine rests that takes less than so many seconds of processor from one look to the next: idle it takes a third of that. */
const restMost = 0.3;
const restLooks = 3000;
/** The transmitter on the air. */
const tag = 0x25df;
const broadcastEvery = 100;
/** What the gateway is called. */
export const gatewayId = 'emulated-1';

/** What is asked of a run. */
export interface Ask {
  /** How often the machine's power is cut. */
  readonly cuts: number;
  /** Which moments these are: the same seed draws the same. */
  readonly seed: number;
}

export interface EmulatedOptions {
  readonly board: MachineBoard;
  /** The image on its card, which is written to. */
  readonly disk: string;
  /** Where logs and sockets go. */
  readonly folder: string;
  /** Where a cloud has its state already: the one whose authority the image was built to trust. */
  readonly benchFolder: string;
}

/**
 * An emulated gateway at its place: a network with a cloud in it, a base station on a USB adapter, and the cable of a technician
 * on its serial port. For a process that is in a network of its own.
 */
export class EmulatedSite {
  readonly bench: Workbench;
  readonly lan: Lan;
  readonly #options: EmulatedOptions;
  /** A serial adapter on which nothing is ever heard. */
  readonly #other: VirtualPort;
  #machine: Machine | undefined;

  private constructor(options: EmulatedOptions, parts: { bench: Workbench; lan: Lan; other: VirtualPort }) {
    this.#options = options;
    this.bench = parts.bench;
    this.lan = parts.lan;
    this.#other = parts.other;
  }

  /** Prepares all of it, before whatever else is done on this machine, and switches nothing on. */
  static async prepare(options: EmulatedOptions): Promise<EmulatedSite> {
    goFirst();
    const lan = await Lan.open(options.folder, 'this');
    const bench = await Workbench.prepare({
      folder: options.benchFolder,
      cloudName,
      patience,
      wait: 60,
      seconds: { listen: 120, trial: 240 },
      transmitters: [countingTransmitter(tag, broadcastEvery)],
    });
    const other = await VirtualPort.open({ folder: bench.file('other') });
    return new EmulatedSite(options, { bench, lan, other });
  }

  /** The card. */
  get disk(): string {
    return this.#options.disk;
  }

  get machine(): Machine {
    if (this.#machine === undefined) throw new Error('the machine has not been switched on');
    return this.#machine;
  }

  /** Switches the machine on. */
  async switchOn(boot: Boot): Promise<void> {
    const { board, disk, folder } = this.#options;
    await this.bench.radioPort.replug();
    this.#machine = await Machine.start({
      ...{ board, disk, folder, boot, tap: wire.near },
      console: this.bench.cable.right.path,
      adapters: { radio: this.bench.radioPort.path, other: this.#other.path },
      plugged: ['radio'],
    });
  }

  /** Cuts its power, and with it that of the base station's adapter: what waited in it is lost, too. */
  async cutPower(): Promise<void> {
    await this.machine.cutPower();
    await this.bench.radioPort.unplug();
  }

  /**
   * Switches the machine on, and waits until what it holds comes.
   *
   * @param before how many readings the cloud had of it before it went off
   * @returns seconds from the switch to each step, and of this machine's processors, in words
   */
  async comesBack(boot: Boot, before: number): Promise<string> {
    const leases = this.lan.leases;
    const links = this.#links;
    const began = performance.now();
    const seconds = () =>
      `${Math.round((performance.now() - began) / 1000)} s (${Math.round(this.machine.processorSeconds)} s)`;
    await this.switchOn(boot);
    await this.isOnTheNetwork(leases);
    const address = seconds();
    await until(() => this.#links > links, { limitMs: patience, what: 'it is connected to the cloud' });
    const link = seconds();
    await this.delivers(10, before);
    const { restarts } = this.machine;
    const again = restarts === 0 ? '' : `, having started itself anew ${restarts} times`;
    return `an address after ${address}, a link after ${link}, readings after ${seconds()}${again}`;
  }

  /** How often it was connected to the cloud since that was started. */
  get #links(): number {
    return this.bench.cloud.service.log.filter(({ event }) => event === 'gateway-connected').length;
  }

  /** Waits until the machine has asked for an address once more than `before`, and has one. */
  async isOnTheNetwork(before: number): Promise<string> {
    return await until(() => (this.lan.leases > before ? this.lan.given : undefined), {
      limitMs: patience,
      what: 'the machine has an address',
    });
  }

  /**
   * Waits until its emulated UART can be spoken on: what comes before its gateway has opened the port must not lie there. QEMU 7.2
   * says of a PL011's bytes only when the first comes into an empty buffer, and has no time-out of reception: where more wait
   * at the opening than the driver takes out then, it hears nothing for good. A real one loses them, and goes on. Nothing tells
   * from outside that the port is open, but that the machine has come to rest.
   */
  async canBeSpokenTo(): Promise<void> {
    if (this.#options.board === 'raspi3b') return;
    let before = this.machine.processorSeconds;
    await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, restLooks));
        const now = this.machine.processorSeconds;
        const worked = now - before;
        before = now;
        return worked < restMost;
      },
      { limitMs: patience, what: 'the machine has come to rest' },
    );
  }

  /** How many readings the cloud has of it. */
  async stored(): Promise<number> {
    const { readings } = await this.bench.cloud.organisation.getLedger({ device: gatewayId });
    return readings.stored;
  }

  /** Waits until the cloud has so many readings of it more than `before`; how many it has. */
  async delivers(more: number, before?: number): Promise<number> {
    return await this.bench.stored(gatewayId, (before ?? (await this.stored())) + more);
  }

  /** Waits until the cloud has so many events of this code. */
  async reports(code: string, times: number): Promise<void> {
    await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, askEvery));
        const { items } = await this.bench.cloud.organisation.listEvents({
          device: gatewayId,
          query: { limit: 1000 },
        });
        return items.filter((event) => event.code === code).length >= times;
      },
      { limitMs: patience, what: `${code} for the ${times}th time` },
    );
  }

  /** Waits until nothing has come from it for a while, as where its base station hears nothing; its account. */
  async settled() {
    let last = { stored: -1, since: 0 };
    await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, askEvery));
        const stored = await this.stored();
        if (stored !== last.stored) last = { stored, since: performance.now() };
        return performance.now() - last.since > quiet;
      },
      { limitMs: patience, what: 'nothing more is stored' },
    );
    return await this.bench.cloud.organisation.getLedger({ device: gatewayId });
  }

  /** The counts that the cloud has, as they stand in its database, in the order of their numbers within each run. */
  counts(): number[] {
    const readings = [...readReadings(this.bench.file('cloud'))];
    return readings
      .filter(({ reading }) => reading.tag === tag)
      .map(({ reading }) => (reading.value.type === 'int32' ? reading.value.value : Number.NaN));
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.#machine?.cutPower();
    await this.#other.close();
    await this.bench.close();
    await this.lan.close();
  }
}
