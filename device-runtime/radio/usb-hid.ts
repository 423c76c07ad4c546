import { statSync } from 'node:fs';
import type { Transport } from '@loadline/sdk/driver';
import { type Candidate, candidatesOf } from './candidates.ts';
import type { Opener, Opening, OpeningEvents } from './opening.ts';

/** What is used of `node-hid`. */
export interface HidLibrary {
  devicesAsync(
    vendorId: number,
    productId: number,
  ): Promise<readonly { readonly path?: string | undefined }[]>;
  readonly HIDAsync: { open(path: string): Promise<HidDevice> };
}

/** What is used of its devices. */
export interface HidDevice {
  on(event: 'data', listener: (report: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  write(bytes: Buffer): Promise<number>;
  close(): Promise<void>;
}

/** How `ports[].path` says: whatever device of the driver's vendor and product there is. */
const anyDevice = 'usb';
/** Milliseconds between two looks at whether the device is still there. */
const lifeMilliseconds = 250;

/**
 * Loads `node-hid`, which is optional, native, and not in the bundle: it is looked for beside it.
 *
 * @throws Error saying what to install
 */
export async function loadHid(load: () => Promise<unknown> = () => import('node-hid')): Promise<HidLibrary> {
  let loaded: HidLibrary & { readonly default?: HidLibrary };
  try {
    loaded = (await load()) as typeof loaded;
    const library = loaded.default ?? loaded;
    // The native half is looked for at the first call.
    await library.devicesAsync(0xffff, 0xffff);
    return library;
  } catch (error) {
    throw new Error(whyNotLoaded(error as NodeJS.ErrnoException), { cause: error });
  }
}

function whyNotLoaded({ code, message }: NodeJS.ErrnoException): string {
  if (message.includes('libusb-1.0')) {
    return 'USB HID needs the Debian package libusb-1.0-0: apt-get install libusb-1.0-0';
  }
  if (message.includes('libudev'))
    return 'USB HID needs the Debian package libudev1: apt-get install libudev1';
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return 'USB HID needs node-hid 3.4.0 beside the gateway: npm install node-hid@3.4.0';
  }
  return `USB HID cannot be used: ${message}`;
}

type HidTransport = Extract<Transport, { kind: 'hid' }>;

/** The HID devices that `path` leads to: all of the driver's vendor and product for `usb`, else hidraw devices by path. */
export async function hidCandidates(
  path: string,
  { vendorId, productId }: HidTransport,
  library: () => Promise<HidLibrary>,
): Promise<Candidate[]> {
  if (path !== anyDevice) return candidatesOf(path);
  const devices = await (await library()).devicesAsync(vendorId, productId);
  const paths = new Set(devices.flatMap((device) => (device.path === undefined ? [] : [device.path])));
  return [...paths].sort().flatMap((each) => candidatesOf(each));
}

/** Opens HID devices through hidraw. UNTESTED ON HARDWARE: nobody here has had a T24-BSu on a USB port. */
export function hidOpener(transport: HidTransport, library: () => Promise<HidLibrary>): Opener {
  return async (candidate, events) => {
    const device = await (await library()).HIDAsync.open(candidate.path);
    return new HidOpening(device, candidate, transport, events);
  };
}

class HidOpening implements Opening {
  readonly #device: HidDevice;
  readonly #reportBytes: number;
  readonly #events: OpeningEvents;
  readonly #lifeTimer: NodeJS.Timeout;
  #isClosing = false;

  constructor(device: HidDevice, candidate: Candidate, transport: HidTransport, events: OpeningEvents) {
    this.#device = device;
    this.#reportBytes = transport.reportBytes;
    this.#events = events;
    device.on('data', (report) => {
      if (!this.#isClosing) events.onBytes(report);
    });
    device.on('error', (error) => this.close(error.message));
    this.#lifeTimer = setInterval(() => {
      const stats = statSync(candidate.path, { throwIfNoEntry: false });
      if (stats?.rdev !== candidate.device) this.close('the device is gone');
    }, lifeMilliseconds);
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += this.#reportBytes) {
      if (this.#isClosing) throw new Error('the port is not open');
      // hidraw wants the number of the report first, and a device without numbered reports has 0.
      const report = Buffer.alloc(1 + this.#reportBytes);
      report.set(bytes.subarray(at, at + this.#reportBytes), 1);
      await this.#device.write(report);
    }
  }

  close(reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    clearInterval(this.#lifeTimer);
    const end = (): void => this.#events.onEnd(reason);
    this.#device.close().then(end, end);
  }
}
