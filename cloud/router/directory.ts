import type { ReportedMessage } from '@loadline/sdk/contract';
import type { DevicePlace, Organisation, Resource } from '../access/index.ts';
import type { DeviceRow, Store } from '../store/index.ts';

/** A device and whose it is. */
export interface Device {
  /** Row number in the store. */
  readonly number: number;
  readonly id: string;
  readonly organisation: Organisation;
  /** What people call it; its id where nobody has named it. */
  name: string;
  department: string | null;
  customer: string | null;
  /** What it last said it is configured to be. */
  reported: ReportedMessage | undefined;
}

/** A device, as it is asked for; with a tag, one of its series. */
export function resourceOf({ organisation, id, department, customer }: Device, tag?: number): Resource {
  const device: DevicePlace = { id, department, customer };
  return { of: 'device', organisation, device, ...(tag !== undefined && { tag }) };
}

/** Devices and certificates in memory: every connection and every delivery asks here. */
export class Directory {
  readonly #store: Store;
  readonly #devices = new Map<string, Device>();
  readonly #certificates = new Map<string, { readonly subject: string; readonly revoked: boolean }>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async load(store: Store): Promise<Directory> {
    const directory = new Directory(store);
    await directory.reload();
    return directory;
  }

  /** Reads it anew, after devices or certificates were written. */
  async reload(): Promise<void> {
    const { devices, certificates } = await this.#store.read('directory', {});
    for (const row of devices) {
      const known = this.#devices.get(row.id);
      // The same object for as long as it lives: links and deliveries under way hold on to it.
      if (known === undefined) this.#devices.set(row.id, fromRow(row));
      else Object.assign(known, placeOf(row));
    }
    for (const { fingerprint, subject, revoked } of certificates) {
      this.#certificates.set(fingerprint, { subject, revoked: revoked !== null });
    }
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** The devices of one organisation. */
  devicesOf(organisation: Organisation): Device[] {
    return [...this.#devices.values()].filter((one) => one.organisation.id === organisation.id);
  }

  /** Whether this certificate was issued here, to this subject, and not revoked since. */
  certificate(fingerprint: string, subject: string): 'good' | 'unknown' | 'revoked' {
    const certificate = this.#certificates.get(fingerprint);
    if (certificate === undefined || certificate.subject !== subject) return 'unknown';
    return certificate.revoked ? 'revoked' : 'good';
  }
}

function fromRow(row: DeviceRow): Device {
  const { number, id, organisation, reported } = row;
  return { number, id, organisation: { id: organisation }, reported, ...placeOf(row) };
}

function placeOf({ id, name, department, customer }: DeviceRow) {
  return { name: name ?? id, department, customer };
}
