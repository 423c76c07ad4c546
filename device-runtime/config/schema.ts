import { isGatewayId, limits } from '@loadline/sdk/contract';
import { distinct, optionalTable, path, table, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import { driver, port } from './ports.ts';
import { derived, sensor, unconfigured } from './sensors.ts';
import { goesTogether } from './together.ts';
import { update } from './update.ts';
import { clock, control, enrolment, health, journal, uplink } from './uplink.ts';

/**
 * Every key of the gateway's configuration: type, range, default and meaning, declared once. Errors, the
 * parsed type and the check of the docs' table all come from here.
 */

const gatewayId = z
  .string('must be a gateway id, in quotes')
  .refine(isGatewayId, 'must be 1 to 64 of a-z, 0-9 and inner hyphens')
  .describe("the gateway's name: its certificate's CN, its MQTT client id, a level of its topics");

const gateway = table({
  id: gatewayId,
  state: path().describe(
    'folder of the key, the certificate and the journal; made if missing; relative to this file',
  ),
});

const copies = optionalTable({
  window_ms: whole(0, 10_000)
    .default(0)
    .describe('equal frames of different base stations within this time are one reading; 0 is off'),
});

const portCount = `at least one [[ports]] table is needed, at most ${limits.batchPorts - 1} are allowed`;
/** As many as a `reported` message may name. */
const maxSensors = 4096;
const sensorCount = `at most ${maxSensors} [[sensors]] tables are allowed`;

export const configSchema = table({
  gateway,
  uplink,
  enrolment: enrolment.optional(),
  clock,
  health,
  control,
  journal,
  update,
  unconfigured: optionalTable(unconfigured),
  copies,
  drivers: z.array(driver, 'must be [[drivers]] tables').max(16).check(distinct('name')).default([]),
  ports: z
    .array(port, portCount)
    .min(1, portCount)
    .max(limits.batchPorts - 1, portCount)
    .check(distinct('name')),
  sensors: z
    .array(sensor, 'must be [[sensors]] tables')
    .max(maxSensors, sensorCount)
    .check(distinct('tag'), distinct('name'))
    .default([]),
  derived: z
    .array(derived, 'must be [[derived]] tables')
    .max(256)
    .check(distinct('tag'), distinct('name'))
    .default([]),
}).check(goesTogether);

type Checked = z.output<typeof configSchema>;

/** The configuration of one gateway, whole and valid. Keys are spelt as in the file; paths are absolute. */
export type Config = Omit<Checked, 'control'> & { readonly control: { readonly socket: string } };
export type PortConfig = Config['ports'][number];
export type SensorConfig = Config['sensors'][number];
export type DerivedConfig = Config['derived'][number];
