import type { TLSSocket } from 'node:tls';
import { gatewayTopic, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { GatewayPrincipal } from '../../access/index.ts';
import type { Authentications } from '../../audit/index.ts';
import type { Downlink } from '../../downlink/index.ts';
import type { Device, Directory, Router } from '../../router/index.ts';
import { DownQueue } from './down-queue.ts';
import { GatewaySession } from './gateway-session.ts';
import { identify, nameOf } from './identify.ts';
import { Link } from './link.ts';
import type { Admission, Arrival } from './session.ts';
import { byCertificate } from './told.ts';

/** What the links of gateways need of the cloud. */
export interface GatewayParts {
  readonly directory: Directory;
  readonly router: Pick<Router, 'deliver'>;
  readonly downlink: Downlink;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** The links of gateways, each proven by its certificate; a gateway has one at a time. */
export class GatewayLinks {
  readonly #parts: GatewayParts;
  /** By the gateway's id: of those whose place was taken, none is left. */
  readonly #sessions = new Map<string, GatewaySession>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    parts.downlink.onNews((gateway, news) => {
      this.#sessions.get(gateway)?.down.tell(news);
    });
  }

  admit(arrival: Arrival, socket: TLSSocket): Admission {
    const { directory, now, log } = this.#parts;
    const { client, connection } = arrival;
    const principal = identify(socket, client.id, directory, now());
    if (typeof principal === 'string') {
      this.#tell(nameOf(socket.getPeerX509Certificate()), principal, arrival);
      return { kind: 'refused', code: principal, returnCode: principal === 'identity-mismatch' ? 2 : 5 };
    }
    if (connection.destroyed) return { kind: 'gone' };
    this.#sessions.get(principal.id)?.link.takenOver();
    const session = this.#open(arrival, principal);
    this.#sessions.set(principal.id, session);
    this.#tell(principal.id, null, arrival);
    log.info('gateway-connected', { gateway: principal.id });
    return { kind: 'admitted', session };
  }

  gone(session: GatewaySession, reason: string | undefined): void {
    const { id: gateway } = session.principal;
    // Another link may have taken its place.
    if (this.#sessions.get(gateway) === session) this.#sessions.delete(gateway);
    this.#parts.log.info('gateway-disconnected', { gateway, reason });
  }

  isConnected(gateway: string): boolean {
    return this.#sessions.has(gateway);
  }

  /** To be called once a second. */
  tick(): void {
    for (const session of this.#sessions.values()) {
      if (this.#parts.directory.device(session.principal.id)?.enabled) session.deliveries.endIfOverdue();
      else session.link.end('device-disabled', 'the device is switched off');
    }
  }

  #tell(name: string | undefined, code: string | null, { source }: Arrival): void {
    const { authentications, directory } = this.#parts;
    const told = byCertificate(name, directory, { code, source });
    if (told !== undefined) authentications.add(told);
  }

  #open({ client, connection }: Arrival, principal: GatewayPrincipal): GatewaySession {
    const { directory, downlink, router, log, monotonic } = this.#parts;
    const gateway = directory.device(principal.id) as Device;
    const down = new DownQueue({
      ...{ gateway, client, connection, downlink, log },
      onSent: (bytes) => link.meter?.account.sent(bytes),
    });
    const noticeTopic = gatewayTopic(principal.id, 'notice');
    const link = new Link({ client, connection, noticeTopic, packetBytes: limits.mqttPacketBytes });
    return new GatewaySession({ principal, link, down, directory, router, log, monotonic });
  }
}
