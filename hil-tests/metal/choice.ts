import { readlinkSync } from 'node:fs';
import { MetalError } from './errors.ts';
import { bauds } from './real-port.ts';
import { usbSwitch } from './usb.ts';

/** How the gateway's adapter is unplugged. */
export type Unplugging =
  | { readonly by: 'nobody' }
  /** The kernel: `file` is that by which it does, see `usbSwitch`. */
  | { readonly by: 'usb'; readonly file: string }
  /** A person, who is asked to on his terminal. */
  | { readonly by: 'hand'; readonly terminal: string };

/** What is connected to what. */
export type MetalChoice =
  /** Two ports of this machine, back to back: the radio is simulated on one, the shipped gateway opens the other. */
  | {
      readonly kind: 'loop';
      readonly port: string;
      readonly gateway: string;
      readonly baud: number;
      readonly unplugging: Unplugging;
    }
  /** A port that leads to the radio port of a gateway elsewhere, and one that leads to its console. */
  | { readonly kind: 'console'; readonly port: string; readonly console: string; readonly baud: number }
  /** A base station on a port, which the shipped gateway opens. */
  | {
      readonly kind: 'base-station';
      readonly port: string;
      readonly baud: number;
      readonly unplugging: Unplugging;
      /** What it turned out to be. */
      readonly driver: 't24' | 'gw1';
    };

/** What was said on a command line. */
export interface MetalWords {
  readonly port: string;
  /** `local:PORT` or `console:PORT`. */
  readonly gateway?: string | undefined;
  readonly baseStation?: boolean | undefined;
  readonly baud?: string | undefined;
  readonly unplugBy?: string | undefined;
}

/** What is meant by the words of a command line. @throws MetalError `option`; those of `usbSwitch` */
export function readMetalChoice({ port, gateway, baseStation, baud, unplugBy }: MetalWords): MetalChoice {
  if (port === '') throw wrong('--port names no port', 'name a tty, such as /dev/ttyUSB0');
  const speed = Number(baud ?? 115_200);
  if (!bauds.some((one) => one === speed)) {
    throw wrong(`--baud ${baud} is no speed of a base station`, `take one of ${bauds.join(', ')}`);
  }
  if (baseStation && gateway !== undefined) {
    throw wrong(
      '--base-station and --gateway are for two things',
      'say --base-station where a base station is on --port, --gateway where a gateway is behind it',
    );
  }
  if (baseStation) {
    return { kind: 'base-station', port, baud: speed, unplugging: unplugged(unplugBy, port), driver: 't24' };
  }
  const [, kind, end = ''] = /^(local|console):(.+)$/.exec(gateway ?? '') ?? [];
  if (end === port) {
    throw wrong(
      `${port} is named for both ends`,
      'they are two ports: one that is opened here, one behind it',
    );
  }
  switch (kind) {
    case 'local':
      return { kind: 'loop', port, gateway: end, baud: speed, unplugging: unplugged(unplugBy, end) };
    case 'console':
      if (unplugBy !== undefined) {
        throw wrong('--unplug-by is for ports of this machine', 'leave it out: that gateway is elsewhere');
      }
      return { kind: 'console', port, console: end, baud: speed };
    default:
      throw wrong(
        gateway === undefined ? `nothing says what is behind ${port}` : `--gateway ${gateway}`,
        'say --gateway local:PORT (adapters back to back), --gateway console:PORT (a gateway elsewhere), or --base-station',
      );
  }
}

function unplugged(said: string | undefined, path: string): Unplugging {
  switch (said) {
    case undefined:
      return { by: 'nobody' };
    case 'usb':
      return { by: 'usb', file: usbSwitch(path) };
    case 'hand':
      // Scenarios are played in sessions of their own, which have no terminal.
      if (process.stderr.isTTY) return { by: 'hand', terminal: readlinkSync('/proc/self/fd/2') };
      throw wrong('--unplug-by hand asks a person', 'call it on a terminal');
    default:
      throw wrong(`--unplug-by ${said}`, 'it is usb or hand');
  }
}

const wrong = (what: string, act: string) => new MetalError('option', what, act);
