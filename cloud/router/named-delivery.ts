import { createHash } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import {
  type Batch,
  decodeBatch,
  encodeBatch,
  type NamedReading,
  type Reading,
  type ReadingsForm,
  readNamed,
  TelemetryError,
  wallBoot,
} from '@loadline/sdk/telemetry';
import type { Unnumbered } from '../store/index.ts';
import type { Channel, Device } from './directory.ts';

/** Readings that their device calls by name, as they came to a door. */
export interface NamedDelivery {
  readonly form: ReadingsForm;
  readonly body: Uint8Array;
  /**
   * What the device gives so that a resend counts once: an Idempotency-Key, or a counter with its key's id. Undefined
   * where it gives none.
   */
  readonly key: string | undefined;
  /** Of a signed line, in place of that: the socket key that signed it, and the counter it did so under. */
  readonly counter?: { readonly credential: string; readonly counter: number };
  /**
   * Of a publish of QoS 1 that has neither: its packet id, and whether its sender says that it comes again (DUP). Ids are used
   * again, so it is the one before only where the body is the same too, and not long ago.
   */
  readonly packet?: { readonly id: number; readonly isAgain: boolean };
  /** By which door it came: stands where a radio sensor has its serial port. */
  readonly door: 'mqtt' | 'https' | 'socket';
}

/** The batch that is made of them, and what makes it count once. */
export interface NamedBatch {
  readonly batch: Batch;
  readonly bytes: Uint8Array;
  readonly unnumbered: Unnumbered;
}

/**
 * Makes a batch of readings by name, so that everything after the door is the same for all devices. Its times are wall
 * times; who says none, or one from now, gets it by `now` (ms since 1970). Throws TelemetryError.
 */
export function namedBatch(device: Device, delivery: NamedDelivery, now: number): NamedBatch {
  if (device.kind === 'gateway') {
    // Their numbers would be those of tags that its radio hears.
    throw new TelemetryError('readings-of-gateway', 'the series of a gateway are tags: it delivers batches');
  }
  const named = readNamed(delivery.form, delivery.body);
  const beyond = device.channels.beyond(named.map(({ name }) => name));
  if (beyond !== undefined) {
    throw new TelemetryError(
      'readings-limit',
      `a device names ${limits.deviceSeries} series at most, and ${beyond} would be one more`,
    );
  }
  const channels = new Map<string, Channel>();
  const readings = named.map(({ name, time, sinceArrival, value, unit }): Reading => {
    const claimed = device.channels.claim(name, unit);
    if (!claimed.stored) channels.set(name, claimed.channel);
    return {
      kind: 'reading',
      port: delivery.door,
      base: 0,
      tag: claimed.channel.number,
      aspect: 'heard',
      calibration: undefined,
      monotonic: time ?? now + (sinceArrival ?? 0),
      value,
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
    };
  });
  const header = { boot: wallBoot, parent: undefined, oldest: 0, first: 0, dropped: [] };
  const bytes = encoded({ ...header, epoch: epochOf(device) }, readings);
  const unnumbered = { channels: [...channels.values()], once: onceOf(delivery, named, now) };
  return { batch: decodeBatch(bytes), bytes, unnumbered };
}

/** Their batch; what is too much for one is said in the words of who knows nothing of batches. */
function encoded(...batch: Parameters<typeof encodeBatch>): Uint8Array {
  try {
    return encodeBatch(...batch);
  } catch (error) {
    if (!(error instanceof TelemetryError) || error.code !== 'batch-too-large') throw error;
    const most = `${limits.batchBytes} bytes as they are stored`;
    throw new TelemetryError('readings-limit', `more than ${most}: send them in several deliveries`);
  }
}

/** The one epoch of a device whose readings are numbered here. */
function epochOf({ id }: Device): string {
  return createHash('sha256').update(`numbered by the cloud: ${id}`).digest('hex').slice(0, 32);
}

/**
 * What it is known again by: its key, or its body, where every reading has its own time, or the packet it came in. Without
 * any it is a new one each time: who sends 21.5 twice has measured twice.
 */
function onceOf(
  { key, counter, packet, body, form, door }: NamedDelivery,
  readings: readonly NamedReading[],
  now: number,
): Unnumbered['once'] {
  const kept = { came: now, until: now + limits.onceMilliseconds };
  const digest = createHash('sha256').update(body).digest();
  if (counter !== undefined) return { ...counter, digest };
  if (key !== undefined) return { mark: markOf(`key ${door} ${key}`), digest, ...kept };
  if (readings.length > 0 && readings.every(({ time }) => time !== undefined)) {
    return { mark: markOf(`body ${form} `, body), digest, ...kept };
  }
  if (packet === undefined) return undefined;
  const until = now + limits.resendMilliseconds;
  const reused = packet.isAgain ? 'resent' : 'first';
  return { mark: markOf(`packet ${packet.id}`), digest, came: now, until, reused };
}

function markOf(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
