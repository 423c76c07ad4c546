import { existsSync, globSync, statSync } from 'node:fs';
import { adviceOn, findHolders } from '@loadline/device-runtime';
import type { Reply } from '@loadline/sdk/provisioning';
import { SerialPort } from 'serialport';
import { openSerial } from '../serial/lines.ts';
import { type OpenedLine, SerialGateway, type SerialGatewayOptions } from './serial-gateway.ts';

/** What was found on a port. */
export type Found =
  | {
      readonly kind: 'gateway';
      readonly path: string;
      readonly line: SerialGateway;
      readonly description: Reply<'describe'>;
    }
  | { readonly kind: 'silent'; readonly path: string; readonly says: string; readonly act: string };

export interface DiscoverOptions {
  readonly baud: number;
  /** Milliseconds in which a gateway must answer. */
  readonly limitMs: number;
  /** Milliseconds in which a line that was lost must be back. */
  readonly patience: number;
  readonly onLife?: (life: 'lost' | 'back') => void;
  /** What is answered where a gateway asks. */
  readonly answers?: SerialGatewayOptions['answers'];
}

/** Ports that serialport names where there is no hardware behind them: the PC's own four, which Linux always has. */
const placeholder = /^\/dev\/ttyS\d+$/;

/**
 * Serial ports of this machine. On Linux those that have hardware, by the link that says who they are; a pty is in no list,
 * and has to be named.
 */
export async function serialPorts(): Promise<string[]> {
  if (process.platform === 'linux') {
    const byId = globSync('/dev/serial/by-id/*').sort();
    const known = new Set(byId.map((path) => statSync(path, { throwIfNoEntry: false })?.rdev));
    const others = await SerialPort.list().catch(() => []);
    return [
      ...byId,
      ...others
        .filter(({ path, manufacturer }) => !placeholder.test(path) || manufacturer !== undefined)
        .map(({ path }) => path)
        .filter((path) => !known.has(statSync(path, { throwIfNoEntry: false })?.rdev)),
    ];
  }
  // macOS names each port twice; the `cu` one opens without a modem's carrier.
  return (await SerialPort.list()).map(({ path }) => path.replace(/^\/dev\/tty\./, '/dev/cu.'));
}

/** Who else has a port open, and what to do; undefined where nobody is seen. Only Linux tells. */
async function holderOf(path: string): Promise<{ says: string; act: string } | undefined> {
  if (process.platform !== 'linux' || !existsSync(path)) return undefined;
  const device = statSync(path).rdev;
  const { holders } = await findHolders([device]);
  const [holder] = holders.get(device) ?? [];
  if (holder === undefined) return undefined;
  const [, says = '', act = ''] = /^(.*\) .*?): (.*)$/s.exec(adviceOn(holder, path)) ?? [];
  return { says: `${path} is in use: ${says}`, act };
}

/** Asks on a port whether a gateway is there. Never throws: what is wrong is what was found. */
async function ask(path: string, options: DiscoverOptions): Promise<Found> {
  const { baud, limitMs, patience, onLife, answers } = options;
  const held = await holderOf(path);
  if (held !== undefined) return { kind: 'silent', path, ...held };
  const open = async (): Promise<OpenedLine> => {
    const port = await openSerial(path, baud);
    return {
      stream: port,
      close: () =>
        new Promise((closed) => {
          if (port.isOpen) port.close(() => closed());
          else closed();
        }),
    };
  };
  try {
    const line = await SerialGateway.open(
      { open, patience, ...(onLife && { onLife }), ...(answers && { answers }) },
      limitMs,
    );
    try {
      return { kind: 'gateway', path, line, description: await line.ask('describe', {}) };
    } catch (error) {
      await line.close();
      throw error;
    }
  } catch (error) {
    const { message, act } = error as Error & { readonly act?: string };
    return { kind: 'silent', path, says: message, act: act ?? openingAdvice(message, path) };
  }
}

/** What to do where a port cannot be opened, by what the system said. */
function openingAdvice(message: string, path: string): string {
  if (/permission|access denied/i.test(message)) {
    return process.platform === 'linux'
      ? 'become a member of its group (usually dialout), and log in again'
      : 'close the program that has it open';
  }
  if (/lock|busy|temporarily/i.test(message)) return 'another program has it open: close that';
  if (/no such file|not found|cannot find/i.test(message)) {
    return process.platform === 'win32'
      ? 'look for its name in the Device Manager'
      : `there is no ${path}: look at the cable`;
  }
  return 'look at the cable, and whether the gateway has power';
}

/** Asks on many ports at once. */
export async function discover(paths: readonly string[], options: DiscoverOptions): Promise<Found[]> {
  return await Promise.all(paths.map((path) => ask(path, options)));
}
