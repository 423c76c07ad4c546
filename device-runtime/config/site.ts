import type * as z from 'zod';
import { configSchema } from './schema.ts';
import { goesTogether } from './together.ts';
import { uplink } from './uplink.ts';

const { ports, sensors, derived, copies, unconfigured, health, update } = configSchema.shape;

/**
 * The tables of the configuration that whoever provisions a gateway says (sdk/provisioning, `site`), checked as the gateway
 * will check them. What else there is in the file, the gateway says itself.
 */
export const siteTables = {
  uplink: uplink.omit({ authority: true }),
  ports,
  sensors,
  derived,
  copies,
  unconfigured,
  health,
  update,
};

type SiteTables = {
  readonly ports?: z.output<typeof ports>;
  readonly sensors: z.output<typeof sensors>;
  readonly derived: z.output<typeof derived>;
};

/** Adds an issue for everything in such tables that does not go together. */
export const siteGoesTogether = (context: z.core.ParsePayload<SiteTables>): void => {
  const { ports: said = [], sensors: all, derived: more } = context.value;
  goesTogether({ ...context, value: { ports: said, drivers: [], sensors: all, derived: more } });
};
