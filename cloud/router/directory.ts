import { limits, type ReportedMessage, type SocketPolicy } from '@loadline/sdk/contract';
import { parseSeriesName, type SeriesOfTag } from '@loadline/sdk/telemetry';
import type { DevicePlace, Organisation, Resource } from '../access/index.ts';
import type { ChannelRow, DeviceRow, Store } from '../store/index.ts';
import { Certificates } from './certificates.ts';

/** A device and whose it is. */
export interface Device {
  /** Row number in the store. */
  readonly number: number;
  readonly id: string;
  readonly organisation: Organisation;
  readonly kind: 'gateway' | 'software';
  /** False where nothing that proves this device opens anything. */
  enabled: boolean;
  /** When it was retired for good, ms since 1970: it is not enabled any more, and nothing is made for it. */
  retired: number | null;
  /** The series that it calls by name; their numbers stand where a radio sensor has its tag. */
  readonly channels: Channels;
  /** What people call it; its id where nobody has named it. */
  name: string;
  department: string | null;
  customer: string | null;
  /** What it last said it is configured to be. */
  reported: ReportedMessage | undefined;
}

/** The series that a device calls by name. */
export class Channels {
  readonly #byName = new Map<string, Channel>();
  /** Names of those that are on their way into the store. */
  readonly #unsettled = new Set<string>();
  readonly #byNumber = new Map<number, Channel>();

  /** The series of this number; undefined where the device has named none so. */
  numbered(number: number): Channel | undefined {
    return this.#byNumber.get(number);
  }

  named(name: string): Channel | undefined {
    return this.#byName.get(name);
  }

  /** Which of these names would be one more than the limits.deviceSeries that a device may have; undefined where none is. */
  beyond(names: Iterable<string>): string | undefined {
    const added = new Set<string>();
    for (const name of names) {
      if (this.#byName.has(name)) continue;
      added.add(name);
      if (this.#byName.size + added.size > limits.deviceSeries) return name;
    }
    return undefined;
  }

  /**
   * The series of this name, made where it is new, and in another unit where another is said. While it is not `stored`,
   * it is to be written with every delivery to it. Of a delivery that is taken whole or not at all, ask `beyond` first.
   */
  claim(name: string, unit: string | undefined): { channel: Channel; stored: boolean } {
    const known = this.#byName.get(name);
    if (known !== undefined && (unit === undefined || unit === known.unit)) {
      return { channel: known, stored: !this.#unsettled.has(name) };
    }
    const channel = { number: known?.number ?? this.#byName.size, name, unit: unit ?? null };
    this.put(channel);
    this.#unsettled.add(name);
    return { channel, stored: false };
  }

  /** To be called once these are on disk. */
  settled(channels: readonly Channel[]): void {
    for (const channel of channels) {
      if (this.#byName.get(channel.name) === channel) this.#unsettled.delete(channel.name);
    }
  }

  put(channel: Channel): void {
    this.#byName.set(channel.name, channel);
    this.#byNumber.set(channel.number, channel);
  }
}

/** A series that its device calls by name. */
export type Channel = Omit<ChannelRow, 'device'>;

/** A device, as it is asked for; with a tag, one of its series. */
export function resourceOf({ organisation, id, department, customer }: Device, tag?: number): Resource {
  const device: DevicePlace = { id, department, customer };
  return { of: 'device', organisation, device, ...(tag !== undefined && { tag }) };
}

/**
 * The series of a device that is asked for as `25DF`, `25DF.mean`, or by the name that the device gives it; undefined where
 * there can be none. What has the form of a tag is one: a name of that form is asked for by its number.
 */
export function seriesCalled(device: Device, name: string): SeriesOfTag | undefined {
  const series = parseSeriesName(name);
  if (series !== undefined) return series;
  const channel = device.channels.named(name);
  return channel && { tag: channel.number, aspect: 'heard' };
}

/** What an organisation lets in at the doors. */
interface DoorPolicy {
  readonly sockets: SocketPolicy;
  readonly certificateGraceDays: number;
}

/** Devices, their certificates and policies in memory: every connection and every delivery asks here. */
export class Directory {
  readonly #store: Store;
  readonly #devices = new Map<string, Device>();
  readonly #byNumber = new Map<number, Device>();
  readonly certificates = new Certificates();
  readonly #policies = new Map<string, DoorPolicy>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async load(store: Store): Promise<Directory> {
    const directory = new Directory(store);
    await directory.reload();
    for (const { device, ...channel } of await store.read('channels', {})) {
      directory.numbered(device)?.channels.put(channel);
    }
    return directory;
  }

  /** Reads it anew, after devices, certificates or policies were written. */
  async reload(): Promise<void> {
    const [{ devices, certificates }, policies] = await Promise.all([
      this.#store.read('directory', {}),
      this.#store.read('doorPolicies', {}),
    ]);
    for (const { organisation, ...policy } of policies) this.#policies.set(organisation, policy);
    for (const row of devices) {
      const known = this.#devices.get(row.id);
      // The same object for as long as it lives: links and deliveries under way hold on to it.
      if (known === undefined) this.#add(fromRow(row));
      else Object.assign(known, placeOf(row));
    }
    for (const row of certificates) this.certificates.put(row);
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** The device of this row number. */
  numbered(number: number): Device | undefined {
    return this.#byNumber.get(number);
  }

  /** The devices of one organisation. */
  devicesOf(organisation: Organisation): Device[] {
    return [...this.#devices.values()].filter((one) => one.organisation.id === organisation.id);
  }

  /** What an organisation lets in over sockets. */
  socketPolicy({ id }: Organisation): SocketPolicy {
    return this.#policies.get(id)?.sockets ?? 'off';
  }

  /** Days after its end within which a gateway of an organisation may still renew its certificate by it. */
  certificateGraceDays({ id }: Organisation): number {
    return this.#policies.get(id)?.certificateGraceDays ?? 0;
  }

  /** Reads anew what certificates a gateway has, after it was given one. */
  async reloadCertificates(gateway: string): Promise<void> {
    for (const row of await this.#store.read('certificatesOf', { gateway })) this.certificates.put(row);
  }

  #add(device: Device): void {
    this.#devices.set(device.id, device);
    this.#byNumber.set(device.number, device);
  }
}

function fromRow(row: DeviceRow): Device {
  const { number, id, organisation, kind, reported } = row;
  const channels = new Channels();
  return { number, id, organisation: { id: organisation }, kind, channels, reported, ...placeOf(row) };
}

function placeOf({ id, name, enabled, retired, department, customer }: DeviceRow) {
  return { name: name ?? id, enabled, retired, department, customer };
}
