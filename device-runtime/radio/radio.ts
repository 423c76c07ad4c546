import type { PortLedger } from '@loadline/sdk/contract';
import { type Driver, driverNamed } from '@loadline/sdk/driver';
import type { Log } from '@loadline/sdk/platform';
import type { BindingInterface } from '@serialport/bindings-cpp';
import type { Heard } from '../bind/index.ts';
import type { Clock } from '../clock/index.ts';
import type { PortConfig } from '../config/index.ts';
import { byIdFolder, candidatesOf } from './candidates.ts';
import { Claims } from './claims.ts';
import type { RadioEvent } from './complaints.ts';
import { findHolders } from './holders.ts';
import { RadioPort } from './port.ts';
import type { RadioPortOptions, Timing } from './port-options.ts';
import { serialOpener } from './serial.ts';
import type { Transmit, TransmitResult } from './transmission.ts';
import { type HidLibrary, hidCandidates, hidOpener, loadHid } from './usb-hid.ts';

const patience: Timing = { listen: 10_000, refused: 30_000, answer: 10_000, look: 30_000 };
/** Least milliseconds between two looks at who else has a port open, and from a suspicion to a look. */
const looks = { least: 5000, soon: 100 };

export interface RadioOptions {
  readonly ports: readonly PortConfig[];
  /** Drivers that an integrator brings (`loadDriver` of sdk/driver); Loadline's own are known. */
  readonly drivers?: readonly Driver[];
  /** What opens serial ports: `autoDetect()` of `@serialport/bindings-cpp`, or another of its kind. */
  readonly binding: BindingInterface;
  readonly clock: Clock;
  readonly log: Log;
  /** Frames, in the order of each line. */
  readonly onHeard: (heard: readonly Heard[]) => void;
  /** Something in a ledger changed, with or without frames. */
  readonly onChange: () => void;
  /** To be logged and journalled. */
  readonly onEvent: (event: RadioEvent) => void;
  /** Where udev keeps links by id; another folder in a test. */
  readonly byIdFolder?: string;
  /** Milliseconds of the ports' patience; shorter in a test. */
  readonly timing?: Partial<Timing>;
  /** `node-hid`, loaded when the first HID port is opened. */
  readonly hid?: () => Promise<HidLibrary>;
}

/** All ports of a gateway. */
export class Radio {
  readonly #ports: readonly RadioPort[];
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #timing: Timing;
  #lookTimer: NodeJS.Timeout | undefined;
  #lookDue = Number.POSITIVE_INFINITY;
  #isLooking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #unseenSaid = false;

  /** @throws Error where a port names a driver that is not there, or options that its driver refuses */
  constructor(options: RadioOptions) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#timing = { ...patience, ...options.timing };
    const claims = new Claims<RadioPort>();
    const library = once(options.hid ?? loadHid);
    const grouped = new Map<string, RadioPort[]>();
    this.#ports = options.ports.map((port) => {
      const group = groupOf(port);
      const members = grouped.get(group) ?? [];
      const made = portOf(port, options, { claims, library, members, onSuspicion: () => this.#lookSoon() });
      members.push(made);
      grouped.set(group, members);
      return made;
    });
    for (const port of options.ports) this.#warnOfTwins(port, options.ports);
  }

  get ledgers(): PortLedger[] {
    return this.#ports.map(({ ledger }) => ledger);
  }

  open(): void {
    for (const port of this.#ports) port.open();
    this.#lookIn(this.#timing.look);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#lookTimer);
    await Promise.all(this.#ports.map((port) => port.stop()));
  }

  /** Sends a command over a port; see `RadioPort.transmit`. Never throws. */
  async transmit(port: string, command: Transmit): Promise<TransmitResult> {
    const found = this.#ports.find(({ name }) => name === port);
    return found === undefined
      ? { outcome: 'refused', detail: `there is no port "${port}"` }
      : await found.transmit(command);
  }

  #warnOfTwins(port: PortConfig, all: readonly PortConfig[]): void {
    if (port.base_addresses !== undefined || port.expect_tags !== undefined) return;
    const twin = all.find((other) => other !== port && groupOf(other) === groupOf(port));
    if (twin === undefined) return;
    this.#log.warn('port-advice', {
      port: port.name,
      advice: `it shares ${port.path} with the port ${twin.name}: say base_addresses or expect_tags of both, or any device may be either`,
    });
  }

  /** A port that cannot be opened suspects somebody twice a second, and a look is not for nothing. */
  #lookSoon(): void {
    this.#lookIn(
      Math.max(
        looks.soon,
        this.#lookedAt + Math.min(looks.least, this.#timing.look) - this.#clock.monotonic(),
      ),
    );
  }

  #lookIn(milliseconds: number): void {
    const due = this.#clock.monotonic() + milliseconds;
    if (this.#isStopped || due > this.#lookDue) return;
    clearTimeout(this.#lookTimer);
    this.#lookDue = due;
    this.#lookTimer = setTimeout(() => {
      this.#lookDue = Number.POSITIVE_INFINITY;
      this.#lookedAt = this.#clock.monotonic();
      this.#look()
        .catch((error: Error) => this.#log.warn('port-holders-unknown', { reason: error.message }))
        .finally(() => this.#lookIn(this.#timing.look));
    }, milliseconds);
  }

  /** Who else has a port's device open? The lock on it binds only programs that ask for it. */
  async #look(): Promise<void> {
    if (this.#isLooking || process.platform !== 'linux') return;
    const ports = this.#ports.flatMap((port) =>
      port.device === undefined ? [] : [{ port, device: port.device }],
    );
    if (ports.length === 0) return;
    this.#isLooking = true;
    try {
      const { holders, unseen, processes } = await findHolders(ports.map(({ device }) => device.device));
      for (const { port, device } of ports) {
        if (port.device?.device === device.device) port.held(holders.get(device.device) ?? []);
      }
      if (unseen > 0 && !this.#unseenSaid) {
        this.#unseenSaid = true;
        this.#log.info('port-holders-unknown', {
          reason: `the open files of ${unseen} of ${processes} processes may not be seen: a program among them that has a port open is not found`,
        });
      }
    } finally {
      this.#isLooking = false;
    }
  }
}

/** Ports of one group can be each other's: what they open, and how they read it, is the same. */
function groupOf({ path, baud, driver, options }: PortConfig): string {
  return JSON.stringify([path, baud, driver, options]);
}

function portOf(
  port: PortConfig,
  options: RadioOptions,
  shared: Pick<RadioPortOptions, 'claims' | 'onSuspicion'> & {
    readonly library: () => Promise<HidLibrary>;
    readonly members: readonly RadioPort[];
  },
): RadioPort {
  const { binding, clock, log, onHeard, onChange, onEvent } = options;
  const { claims, onSuspicion, library, members } = shared;
  const driver = driverNamed(port.driver, options.drivers);
  const { transport } = driver;
  const made: RadioPort = new RadioPort({
    port,
    driver,
    ...(transport.kind === 'serial'
      ? { opener: serialOpener({ binding, baud: port.baud }), find: candidatesOf }
      : {
          opener: hidOpener(transport, library),
          find: (path: string) => hidCandidates(path, transport, library),
        }),
    claims,
    twins: () => members.filter((member) => member !== made),
    clock,
    log,
    onHeard,
    onChange,
    onEvent,
    onSuspicion,
    byIdFolder: options.byIdFolder ?? byIdFolder,
    timing: { ...patience, ...options.timing },
  });
  return made;
}

/** A failure is not kept: the library may be installed meanwhile. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
