import { isGatewayId, limits } from '@loadline/sdk/contract';
import { z } from 'zod';

/**
 * Every key of the gateway's configuration: type, range, default and meaning, declared once. Errors, the
 * parsed type and the check of the README's table all come from here.
 */

const whole = (from: number, to: number) => {
  const allowed = `must be a whole number from ${from} to ${to}`;
  return z.number(allowed).int(allowed).min(from, allowed).max(to, allowed);
};

const text = (from: number, to: number) => {
  const allowed = `must be text of ${from} to ${to} characters, in quotes`;
  return z.string(allowed).min(from, allowed).max(to, allowed);
};

const path = () => text(1, 4096);
const flag = () => z.boolean('must be true or false');

const table = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a table' : undefined),
  });

/** A table that may be left out, because each of its keys has a default. */
const optionalTable = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  table(shape).prefault({} as never);

const gatewayId = z
  .string('must be a gateway id, in quotes')
  .refine(isGatewayId, 'must be 1 to 64 of a-z, 0-9 and inner hyphens')
  .describe("the gateway's name: its certificate's CN, its MQTT client id, a level of its topics");

const gateway = table({
  id: gatewayId,
  state: path().describe('folder of the key and the certificate; made if missing; relative to this file'),
});

const uplink = table({
  host: text(1, 253).describe("the cloud's host name, as its certificate has it"),
  port: whole(1, 65_535).default(8883).describe('port of MQTT over TLS'),
  authority: path().describe("the fleet's authority, a PEM file; relative to this file"),
  max_delay_ms: whole(0, 600_000)
    .default(0)
    .describe('how long readings may gather on an idle link: fewer bytes, later readings'),
  window_bytes: whole(16 * 1024, 16 * 1024 * 1024)
    .default(256 * 1024)
    .describe('bytes of readings, before compression, that may be published and not yet acknowledged'),
  keepalive_seconds: whole(5, limits.mqttKeepaliveSeconds).default(30).describe("MQTT's keepalive"),
});

const enrolment = table({
  url: z
    .url({ protocol: /^https$/, error: 'must be an https:// address, in quotes' })
    .refine((url) => !url.includes('@') && !url.includes('?'), 'must not carry a user, password or query')
    .describe("the cloud's EST server"),
  secret_file: path().describe(
    'file with the enrolment secret; removed after a successful enrolment; relative to this file',
  ),
});

const journal = optionalTable({
  max_bytes: whole(64 * 1024, 1024 * 1024 * 1024)
    .default(64 * 1024 * 1024)
    .describe('memory for readings not yet acknowledged; past it the oldest are dropped, and declared'),
});

const unconfigured = optionalTable({
  sightings: whole(1, 1000)
    .default(3)
    .describe('how often a tag nobody configured must be heard before its readings count'),
  max_series: whole(0, 65_536).default(64).describe('how many tags nobody configured may become series'),
});

const copies = optionalTable({
  window_ms: whole(0, 10_000)
    .default(0)
    .describe('equal frames of different base stations within this time are one reading; 0 is off'),
});

const portNameAllowed = `must be 1 to ${limits.portNameBytes} bytes of UTF-8, in quotes`;
const baudAllowed = 'must be 9600, 19200, 38400, 57600, 115200 or 230400';
const protocolAllowed = 'must be "t24" (base station, binary) or "gw1" (T24-GW1, ASCII)';

const port = table({
  name: z
    .string(portNameAllowed)
    .refine((name) => name.length > 0 && Buffer.byteLength(name) <= limits.portNameBytes, portNameAllowed)
    .describe('the port as readings name it'),
  path: path().describe('the device, best its link in /dev/serial/by-id'),
  baud: z
    .literal([9600, 19_200, 38_400, 57_600, 115_200, 230_400], baudAllowed)
    .default(115_200)
    .describe('line speed; always 8 data bits, no parity, 1 stop bit'),
  protocol: z.enum(['t24', 'gw1'], protocolAllowed).default('t24').describe('what speaks on the line'),
});

const tagAllowed = 'must be four hex digits in quotes, such as "25DF"';

const sensor = table({
  tag: z
    .string(tagAllowed)
    .regex(/^[0-9a-fA-F]{4}$/, tagAllowed)
    .transform((tag) => Number.parseInt(tag, 16))
    .describe("the transmitter's data tag"),
  name: text(1, 100).describe('what it measures, for people'),
  unit: text(0, 20).describe('unit of its values'),
  interval_seconds: z
    .number('must be a number of seconds above 0 and up to 86400')
    .positive('must be a number of seconds above 0 and up to 86400')
    .max(86_400, 'must be a number of seconds above 0 and up to 86400')
    .optional()
    .describe('expected seconds between readings'),
  simulated: flag()
    .default(false)
    .describe('true where no real sensor is behind it; shown as such everywhere'),
});

/** Refuses a second element with the same `key`, at that element. */
const distinct =
  <Element>(key: string & keyof Element) =>
  (context: z.core.ParsePayload<Element[]>): void => {
    const seen = new Set<unknown>();
    context.value.forEach((element, index) => {
      if (seen.has(element[key])) {
        context.issues.push({
          code: 'custom',
          input: element[key],
          path: [index, key],
          message: `must be different from every other ${key} in this list`,
          // Goes on to the next check: all errors are told at once.
          continue: true,
        });
      }
      seen.add(element[key]);
    });
  };

/** All sensors travel in one `reported` message. */
const fitsReported = (context: z.core.ParsePayload<unknown[]>): void => {
  const room = limits.healthBytes - 1024;
  const bytes = Buffer.byteLength(JSON.stringify(context.value));
  if (bytes <= room) return;
  context.issues.push({
    code: 'custom',
    input: context.value,
    message: `take ${bytes} bytes in one message to the cloud, and must fit in ${room}: fewer, or shorter names`,
    continue: true,
  });
};

const portCount = `at least one [[ports]] table is needed, at most ${limits.batchPorts} are allowed`;
/** As many as a `reported` message may name. */
const maxSensors = 4096;
const sensorCount = `at most ${maxSensors} [[sensors]] tables are allowed`;

export const configSchema = table({
  gateway,
  uplink,
  enrolment: enrolment.optional(),
  journal,
  unconfigured,
  copies,
  ports: z
    .array(port, portCount)
    .min(1, portCount)
    .max(limits.batchPorts, portCount)
    .check(distinct('name'), distinct('path')),
  sensors: z
    .array(sensor, 'must be [[sensors]] tables')
    .max(maxSensors, sensorCount)
    .check(distinct('tag'), fitsReported)
    .default([]),
});

/** The configuration of one gateway, whole and valid. Keys are spelt as in the file. */
export type Config = z.output<typeof configSchema>;
export type PortConfig = Config['ports'][number];
