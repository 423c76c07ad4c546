import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const version = '11.1.1';
/** Of the package's file, as the registry states it. */
const sha512 = '8/keN//8VW6E/CbeUUlmwSZBYfCk8+qUXM9OHscdnnsv5/8RqoIb5qS7Cc1fJNWOPgPBvr4xHOZCVqAF6Q6f9Q==';

const folder = join(
  import.meta.dirname,
  '../../node_modules/.cache/loadline-bench',
  `zigbee-herdsman-${version}`,
);

/** What is used of it: the parser of its Z-Stack adapter, which takes what comes off a serial line. */
interface Modules {
  readonly Znp: new (
    transport: EventEmitter,
  ) => {
    onFrame(frame: Buffer, dataLength: number, checkPosition: number): void;
  };
  readonly Frame: {
    new (type: number, subsystem: number, command: number, data: Buffer): { toBuffer(): Buffer };
    fromBuffer(dataLength: number, checkPosition: number, frame: Buffer): { readonly data: Buffer };
  };
}

/** zigbee-herdsman's parser of serial bytes, ready to be opened as often as one likes. */
export interface Herdsman {
  readonly by: string;
  /** A frame of its own kind (UNPI: 0xFE, length, command of two bytes, data, XOR of all) around these bytes. */
  wrap(data: Uint8Array): Uint8Array;
  /** A fresh parser: `onData` gets what is in each frame whose check is right. */
  open(onData: (data: Uint8Array) => void): (chunk: Uint8Array) => void;
}

/**
 * Gets zigbee-herdsman (MIT). It is no dependency: its own bring a copy of serialport and a radio stack, and all that is
 * needed of it is one parser. So its package alone is fetched where it is first asked for, by npm, and held against its
 * digest. Where that cannot be, the answer is one line that says why.
 */
export async function herdsman(): Promise<Herdsman | string> {
  try {
    if (!existsSync(folder)) await fetchPackage();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const said = (stderr || message).trim().split('\n');
    const why = said.findLast((line) => !line.includes('complete log')) ?? message;
    return `npm pack zigbee-herdsman@${version} failed: ${why}`;
  }
  const load = createRequire(join(folder, 'package/package.json'));
  const { Znp } = load('./dist/adapter/z-stack/znp/znp.js') as Pick<Modules, 'Znp'>;
  const { Frame } = load('./dist/adapter/z-stack/unpi/frame.js') as Pick<Modules, 'Frame'>;
  return {
    by: `zigbee-herdsman ${version}`,
    wrap: (data) => new Frame(2, 4, 0x81, Buffer.from(data)).toBuffer(),
    open: (onData) => {
      const transport = new EventEmitter();
      const parser = new Znp(transport);
      // In place of its own, which goes on to make an object of the command in it: only frames are compared.
      parser.onFrame = (frame, dataLength, checkPosition) => {
        try {
          onData(Frame.fromBuffer(dataLength, checkPosition, frame).data);
        } catch {
          // As its own does: a frame whose check is wrong is dropped whole.
        }
      };
      return (chunk) => transport.emit('data', chunk);
    },
  };
}

async function fetchPackage(): Promise<void> {
  const cache = join(folder, '..');
  mkdirSync(cache, { recursive: true });
  const here = mkdtempSync(join(cache, 'fetch-'));
  try {
    await run('npm', ['pack', `zigbee-herdsman@${version}`, '--loglevel=error'], { cwd: here });
    const file = join(here, `zigbee-herdsman-${version}.tgz`);
    const digest = createHash('sha512').update(readFileSync(file)).digest('base64');
    if (digest !== sha512) throw new Error(`its SHA-512 is ${digest}, and should be ${sha512}`);
    await run('tar', ['-xzf', file], { cwd: here });
    rmSync(file);
    renameSync(here, folder);
  } finally {
    rmSync(here, { recursive: true, force: true });
  }
}
