import { deviceTopic, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Authentications } from '../../audit/index.ts';
import type { CredentialHolders, HeldCredential } from '../../devices/index.ts';
import type { Directory, Router } from '../../router/index.ts';
import type { Claim } from './claim.ts';
import { DeviceSession } from './device-session.ts';
import { Link } from './link.ts';
import type { Admission, Arrival } from './session.ts';
import { byDeviceKey } from './told.ts';

/** What the links of devices with a key need of the cloud. */
export interface DeviceParts {
  readonly directory: Directory;
  readonly router: Pick<Router, 'deliver'>;
  readonly credentialHolders: Pick<CredentialHolders, 'show' | 'isGood'>;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly log: Log;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** The links of devices that are proven by a key and its secret; a device has one at a time, by whichever of its keys. */
export class DeviceLinks {
  readonly #parts: DeviceParts;
  readonly #sessions = new Map<string, DeviceSession>();

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  admit(arrival: Arrival, { key: id, secret, clientId }: Extract<Claim, { kind: 'device-key' }>): Admission {
    const { credentialHolders, authentications, log } = this.#parts;
    const { source, connection } = arrival;
    const shown = credentialHolders.show({ kind: 'key', id, secret }, { channel: 'mqtt', source });
    // Whatever the reason is: the audit log has it.
    if (shown.kind !== 'held') return { kind: 'refused', code: 'unauthenticated', returnCode: 5 };
    const { principal } = shown.held;
    if (clientId !== principal.id) {
      const { organisation } = principal;
      authentications.add(
        byDeviceKey({ id, organisation: organisation.id }, { code: 'identity-mismatch', source }),
      );
      return { kind: 'refused', code: 'identity-mismatch', returnCode: 2 };
    }
    if (connection.destroyed) return { kind: 'gone' };
    this.#sessions.get(principal.id)?.link.takenOver();
    const session = this.#open(arrival, shown.held);
    this.#sessions.set(principal.id, session);
    log.info('device-connected', { device: principal.id, key: id });
    return { kind: 'admitted', session };
  }

  gone(session: DeviceSession, reason: string | undefined): void {
    const { id: device, credential: key } = session.principal;
    // Another link may have taken its place.
    if (this.#sessions.get(device) === session) this.#sessions.delete(device);
    this.#parts.log.info('device-disconnected', { device, key, reason });
  }

  isConnected(device: string): boolean {
    return this.#sessions.has(device);
  }

  /** To be called once a second: ends the links of keys that have ended, and of devices that are switched off. */
  tick(): void {
    const { credentialHolders, directory } = this.#parts;
    for (const { principal, link, deliveries } of this.#sessions.values()) {
      if (credentialHolders.isGood(principal.credential, 'key')) deliveries.endIfOverdue();
      else if (directory.device(principal.id)?.enabled)
        link.end('credential-ended', 'this key opens nothing any more');
      else link.end('device-disabled', 'the device is switched off');
    }
  }

  #open({ client, connection }: Arrival, { principal, device }: HeldCredential): DeviceSession {
    const { router, log, monotonic } = this.#parts;
    const noticeTopic = deviceTopic(principal.id, 'notice');
    const link = new Link({ client, connection, noticeTopic, packetBytes: limits.mqttPacketBytes });
    return new DeviceSession({ principal, device, link, router, log, monotonic });
  }
}
