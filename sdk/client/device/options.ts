import { isGatewayId } from '../../contract/index.ts';
import { Secret } from '../../platform/index.ts';
import { socketSecret } from '../../socket/index.ts';
import type { DeviceEvent } from './events.ts';
import { HttpsTransport } from './https.ts';
import { type Place, placeOf } from './place.ts';
import type { QueueBounds } from './queue.ts';
import { SocketTransport } from './socket.ts';
import type { LineProof } from './socket-lines.ts';
import type { Transport } from './transport.ts';

/** Where a cloud is, and whom to believe there. */
interface Address {
  /** `https://host:port`, `mqtts://host:port`, `tls://host:port` or `tcp://host:port`, and nothing behind it. */
  readonly url: string;
  /** The authority its certificate must come from, PEM; the system's authorities where left out. */
  readonly authorityPem?: string | undefined;
}

/** A socket key: its id, and its secret as it was shown. */
export interface DeviceKey {
  readonly id: string;
  readonly secret: string | Secret;
}

/** By HTTPS, with a header token. */
export interface HttpsOptions extends Address {
  readonly kind: 'https';
  readonly token: string | Secret;
}

/** By MQTT over TLS, with a key of the kind `key`. Port 8883 where the address has none. */
export interface MqttOptions extends Address {
  readonly kind: 'mqtt';
  /** The device's id. */
  readonly device: string;
  readonly key: DeviceKey;
}

/** By socket: signed, with a key of the kind `socket-key`; or with a socket token, by `tls://` only. */
export type SocketOptions = Address & { readonly kind: 'socket' } & (
    | { readonly key: DeviceKey; readonly token?: undefined }
    | { readonly token: string | Secret; readonly key?: undefined }
  );

export type TransportOptions = HttpsOptions | MqttOptions | SocketOptions;

/** How long to wait before trying again, ms. */
export interface RetryTimes {
  /** Where there is no way or no answer: drawn from nothing to a bound that begins here, doubles, and ends there. */
  readonly base: number;
  readonly cap: number;
  /** Where the cloud lets this device in no more: drawn from half of it to the whole. */
  readonly refused: number;
}

export interface QueueOptions extends Partial<QueueBounds> {
  /** Where readings are kept that are not delivered: they outlive the process. In memory where left out. */
  readonly folder?: string;
}

/** What a device's series may hold. */
export type SeriesValue = number | boolean | string;
export type SeriesOf<T> = { readonly [name in keyof T]: SeriesValue };

export interface DeviceClientOptions<T> {
  readonly transport: TransportOptions;
  /** What waits at most: 16 MiB and 500,000 readings where nothing is said. The oldest is dropped first. */
  readonly queue?: QueueOptions;
  /** Units of series that are numbers, as SenML names them: `{ temp: 'Cel' }`. */
  readonly units?: { readonly [name in keyof T]?: string };
  /** Told what becomes of readings, soon after. What it throws is an uncaught exception. */
  readonly onEvent?: (event: DeviceEvent) => void;
  /** 0.5 s to 30 s, and a minute where it is refused. */
  readonly retry?: Partial<RetryTimes>;
}

const usualBounds: QueueBounds = { bytes: 16 * 1024 * 1024, readings: 500_000 };
/** Less would leave no room beside what is under way. */
const leastBounds: QueueBounds = { bytes: 16 * 1024, readings: 16 };

/** @throws RangeError */
export function boundsOf(options: QueueOptions = {}): QueueBounds {
  const bounds = {
    bytes: options.bytes ?? usualBounds.bytes,
    readings: options.readings ?? usualBounds.readings,
  };
  for (const what of ['bytes', 'readings'] as const) {
    if (bounds[what] >= leastBounds[what]) continue;
    throw new RangeError(`queue.${what} is to be ${leastBounds[what]} at least, and is ${bounds[what]}`);
  }
  return bounds;
}

export function retryOf(options: Partial<RetryTimes> = {}): RetryTimes {
  return { base: 500, cap: 30_000, refused: 60_000, ...options };
}

/**
 * The way that the options say. Secrets are put away here.
 *
 * @throws RangeError, without the secret, where something cannot be right
 */
export function transportOf(
  options: TransportOptions,
  onLimited: (code: string, detail: string) => void,
): () => Promise<Transport> {
  switch (options.kind) {
    case 'https': {
      const place = placeOf(options, { https: 443 });
      const token = secretOf(options.token, 'transport.token');
      return async () => new HttpsTransport(place, token);
    }
    case 'mqtt': {
      const place = placeOf(options, { mqtts: 8883 });
      const { device, key } = options;
      if (!isGatewayId(device)) throw new RangeError("transport.device is to be the device's id");
      const parts = {
        place,
        device,
        keyId: key.id,
        secret: secretOf(key.secret, 'transport.key.secret'),
        onLimited,
      };
      // MQTT.js is loaded for who uses it.
      return async () => new (await import('./mqtt.ts')).MqttTransport(parts);
    }
    case 'socket': {
      const place = placeOf(options, { tls: undefined, tcp: undefined });
      const proof = proofOf(options, place);
      return async () => new SocketTransport(place, proof);
    }
  }
}

function proofOf({ key, token }: SocketOptions, place: Place): LineProof {
  if (key !== undefined) {
    const secret = socketSecret(secretOf(key.secret, 'transport.key.secret').reveal());
    if (secret.length === 32) return { kind: 'signed', key: { id: key.id, secret } };
    throw new RangeError(
      'transport.key.secret is not the secret of a socket key: 43 characters of base64url',
    );
  }
  if (place.scheme !== 'tls') {
    throw new RangeError(
      'a socket token would cross the wire for all to read: use tls://, or a socket key, which signs instead',
    );
  }
  return { kind: 'token', token: secretOf(token, 'transport.token') };
}

/** What tokens and secrets are made of, whichever they are. */
const secretPattern = /^[A-Za-z0-9_-]{16,128}$/;

function secretOf(given: string | Secret, where: string): Secret {
  const secret = given instanceof Secret ? given : new Secret(String(given));
  if (secretPattern.test(secret.reveal())) return secret;
  throw new RangeError(
    `${where} is no secret of a cloud: 16 to 128 letters, digits, - and _, without a line's end or quotes`,
  );
}
