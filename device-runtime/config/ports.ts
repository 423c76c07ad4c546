import { limits } from '@loadline/sdk/contract';
import { flag, path, table, text, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import { tag } from './tag.ts';

const portNameAllowed = `must be 1 to ${limits.portNameBytes} bytes of UTF-8, in quotes`;
const baudAllowed = 'must be 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400 or 460800';
const driverAllowed =
  'must be 1 to 32 of a-z, 0-9 and hyphens, in quotes: "t24", "gw1", "so", "hid", or one of [[drivers]]';

const driverName = () => z.string(driverAllowed).regex(/^[a-z0-9-]{1,32}$/, driverAllowed);

/** A name that readings carry for ever; `derived` is what the gateway itself works out. */
export const derivedPort = 'derived';

/** `[[ports]]`: where radios are connected. */
export const port = table({
  name: z
    .string(portNameAllowed)
    .refine((name) => name.length > 0 && Buffer.byteLength(name) <= limits.portNameBytes, portNameAllowed)
    .refine(
      (name) => name !== derivedPort,
      `must not be "${derivedPort}": that is what the gateway works out itself`,
    )
    .describe('the port as readings name it'),
  path: path().describe(
    'the device, best its link in /dev/serial/by-id; a pattern with * for one of several alike; for HID "usb" or a hidraw device',
  ),
  baud: z
    .literal([2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800], baudAllowed)
    .default(115_200)
    .describe('line speed; always 8 data bits, no parity, 1 stop bit'),
  driver: driverName()
    .default('t24')
    .describe(
      'what speaks on the line: base station (binary), T24-GW1 (ASCII), T24-SO (a template), USB HID',
    ),
  options: z
    .record(z.string(), z.unknown(), 'must be a table')
    .default({})
    .describe("options of the driver, such as the template of a T24-SO's lines"),
  base_addresses: z
    .array(whole(1, 16), 'must be a list of base addresses')
    .min(1)
    .max(16)
    .optional()
    .describe('base stations that are to answer here: tells twin adapters apart, refuses a wrong one'),
  expect_tags: z
    .array(tag(), 'must be a list of tags')
    .min(1)
    .max(64)
    .optional()
    .describe('tags heard here, at least one of them: tells twins apart where no base address does'),
  transmit: flag()
    .default(false)
    .describe('EXPERIMENTAL: commands from the cloud may be sent over this port'),
});

/** `[[drivers]]`: drivers that an integrator brings; in the gateway's own file only. */
export const driver = table({
  name: driverName().describe('what `ports[].driver` says'),
  module: text(1, 4096).describe('an ES module whose default export is a driver; relative to this file'),
});
