import * as z from 'zod';

const rate = z.number().positive().max(1e9).nullable().optional();
const whole = z.number().int().min(0).max(1e15).nullable().optional();

/** What can be limited of a device, and of the devices of an organisation together; null: not at all. Left out: as usual. */
export const deviceLimits = z.strictObject({
  messagesPerSecond: rate,
  readingsPerSecond: rate,
  bytesPerSecond: rate,
  connectionsPerMinute: rate,
  messagesPerDay: whole,
  readingsPerDay: whole,
  /** Payload, both ways. */
  bytesPerDay: whole,
  connectionMinutesPerDay: whole,
  messagesPerMonth: whole,
  readingsPerMonth: whole,
  bytesPerMonth: whole,
  connectionMinutesPerMonth: whole,
});

/** The same of an organisation, and what its people and programs may ask. */
export const organisationLimits = deviceLimits.extend({
  /** Connections of its devices at a time. */
  connections: whole,
  /** Requests of its people and programs together. */
  requestsPerSecond: rate,
});

export type DeviceLimits = z.output<typeof deviceLimits>;
export type OrganisationLimits = z.output<typeof organisationLimits>;
