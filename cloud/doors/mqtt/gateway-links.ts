import type { TLSSocket } from 'node:tls';
import { gatewayTopic, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Authentications } from '../../audit/index.ts';
import {
  type CertificateUses,
  nameOf,
  type ProvenGateway,
  remedies,
  stillFault,
} from '../../devices/index.ts';
import type { Downlink } from '../../downlink/index.ts';
import type { Directory, Router } from '../../router/index.ts';
import { DownQueue } from './down-queue.ts';
import { GatewaySession } from './gateway-session.ts';
import { identify } from './identify.ts';
import { Link } from './link.ts';
import type { Admission, Arrival } from './session.ts';
import { byCertificate } from './told.ts';

/** What the links of gateways need of the cloud. */
export interface GatewayParts {
  readonly directory: Directory;
  readonly router: Pick<Router, 'deliver'>;
  readonly downlink: Downlink;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly certificateUses: Pick<CertificateUses, 'note'>;
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
    const { directory, certificateUses, now, log } = this.#parts;
    const { client, connection } = arrival;
    const proven = identify(socket, client.id, directory, now());
    if (typeof proven === 'string') {
      this.#tell(nameOf(socket.getPeerX509Certificate()), proven, arrival);
      return { kind: 'refused', code: proven, returnCode: proven === 'identity-mismatch' ? 2 : 5 };
    }
    if (connection.destroyed) return { kind: 'gone' };
    const { id } = proven.device;
    // Before its certificate is noted as used, or the link that it takes the place of would be cut as superseded.
    this.#sessions.get(id)?.link.takenOver();
    const session = this.#open(arrival, proven);
    this.#sessions.set(id, session);
    certificateUses.note(proven, { channel: 'mqtt', source: arrival.source });
    this.#tell(id, null, arrival);
    log.info('gateway-connected', { gateway: id });
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
    const { directory, now } = this.#parts;
    const at = now();
    for (const session of this.#sessions.values()) {
      const fault = stillFault(session.proven, directory, at);
      if (fault === undefined) session.deliveries.endIfOverdue();
      else session.link.end(fault, remedies[fault]);
    }
  }

  #tell(name: string | undefined, code: string | null, { source }: Arrival): void {
    const { authentications, directory } = this.#parts;
    const told = byCertificate(name, directory, { code, source });
    if (told !== undefined) authentications.add(told);
  }

  #open({ client, connection }: Arrival, proven: ProvenGateway): GatewaySession {
    const { directory, downlink, router, log, monotonic } = this.#parts;
    const { device: gateway } = proven;
    const down = new DownQueue({
      ...{ gateway, client, connection, downlink, log },
      onSent: (bytes) => link.meter?.account.sent(bytes),
    });
    const noticeTopic = gatewayTopic(gateway.id, 'notice');
    const link = new Link({ client, connection, noticeTopic, packetBytes: limits.mqttPacketBytes });
    return new GatewaySession({ proven, link, down, directory, router, log, monotonic });
  }
}
