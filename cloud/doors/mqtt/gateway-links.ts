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
import type { GatewayUpdates } from '../../rollouts/index.ts';
import type { Device, Directory, Router } from '../../router/index.ts';
import { type ContestParts, Contests, type Decision, type Place } from './contests.ts';
import { DownQueue } from './down-queue.ts';
import { GatewaySession } from './gateway-session.ts';
import { identify } from './identify.ts';
import { Link } from './link.ts';
import type { Admission, Arrival } from './session.ts';
import { byCertificate } from './told.ts';

/** Looks, one a second, between two at which places are forgotten that nobody has. */
const sweepEveryTicks = 60;

/** What the links of gateways need of the cloud. */
export interface GatewayParts {
  readonly directory: Directory;
  readonly router: Pick<Router, 'deliver'>;
  readonly downlink: Downlink;
  readonly updates: Pick<GatewayUpdates, 'message' | 'onNews'>;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly certificateUses: Pick<CertificateUses, 'note'>;
  readonly store: ContestParts['store'];
  /** Told where one identity is shown by two processes that are alive. */
  readonly alarms: ContestParts['alarms'];
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
  readonly #contests: Contests;
  #ticks = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#contests = new Contests(parts);
    parts.downlink.onNews((gateway, news) => {
      this.#sessions.get(gateway)?.down.tell(news);
    });
    parts.updates.onNews((gateway) => {
      const told = gateway === undefined ? this.#sessions.values() : [this.#sessions.get(gateway)];
      for (const session of told) session?.down.tell('update');
    });
  }

  /** `epoch`: what its CONNECT states; undefined of a gateway that knows nothing of that. */
  async admit(arrival: Arrival, socket: TLSSocket, epoch: string | undefined): Promise<Admission> {
    const { directory, now } = this.#parts;
    const proven = identify(socket, arrival.client.id, directory, now());
    if (typeof proven === 'string') {
      const name = nameOf(socket.getPeerX509Certificate());
      this.#tell(name, proven, arrival);
      const device = directory.device(name ?? '');
      if (proven === 'certificate-superseded' && device !== undefined && epoch !== undefined) {
        this.#contests.superseded(await this.#contests.place(device), { ...arrival, device, epoch });
      }
      return { kind: 'refused', code: proven, returnCode: proven === 'identity-mismatch' ? 2 : 5 };
    }
    const place = epoch === undefined ? undefined : await this.#contests.place(proven.device);
    // From here on nothing is awaited: of two that come at a time, the second meets the first.
    if (arrival.connection.destroyed) return { kind: 'gone' };
    const decision = place && epoch ? this.#decide(place, epoch, proven, arrival) : 'admitted';
    return decision === 'admitted'
      ? this.#letIn(arrival, proven, place)
      : this.#turnAway(arrival, proven, decision);
  }

  gone(session: GatewaySession, reason: string | undefined): void {
    const { id: gateway } = session.principal;
    // Another link may have taken its place.
    if (this.#sessions.get(gateway) === session) {
      this.#sessions.delete(gateway);
      this.#leave(session);
    }
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
    if (this.#ticks++ % sweepEveryTicks !== 0) return;
    const isStanding = (number: number) => this.#sessions.has(directory.numbered(number)?.id ?? '');
    this.#contests.sweep(isStanding).catch((error: Error) => this.#failed(error));
  }

  #decide(place: Place, epoch: string, { device }: ProvenGateway, { source, began }: Arrival): Decision {
    const isStanding = this.#sessions.has(device.id);
    return this.#contests.decide(place, { device, source, epoch, began, isStanding });
  }

  #letIn(arrival: Arrival, proven: ProvenGateway, place: Place | undefined): Admission {
    const { certificateUses, log } = this.#parts;
    const { id } = proven.device;
    // Before its certificate is noted as used, or the link that it takes the place of would be cut as superseded.
    this.#sessions.get(id)?.link.takenOver();
    const session = this.#open(arrival, proven, place);
    this.#sessions.set(id, session);
    certificateUses.note(proven, { channel: 'mqtt', source: arrival.source });
    this.#tell(id, null, arrival);
    log.info('gateway-connected', { gateway: id });
    return { kind: 'admitted', session };
  }

  #turnAway(arrival: Arrival, { device }: ProvenGateway, decision: Exclude<Decision, 'admitted'>): Admission {
    const code = decision === 'late' ? 'session-taken-over' : 'identity-contested';
    const detail =
      decision === 'late'
        ? 'another connection of this identity is newer'
        : 'another process with the identity of this gateway has the link; try again in a few minutes';
    this.#tell(device.id, code, arrival);
    return { kind: 'turned-away', code, detail, link: this.#linkOf(arrival, device) };
  }

  /** The link of a gateway that states its epoch has ended, and no other has its place. */
  #leave({ link, place }: GatewaySession): void {
    if (place === undefined) return;
    const isForGood = link.saidGoodbye || (link.endCode !== undefined && link.endCode in remedies);
    this.#contests.left(place, isForGood ? 'for-good' : 'lost');
  }

  #failed(error: Error): void {
    this.#parts.log.error('epochs-not-read', { reason: error.message });
  }

  #tell(name: string | undefined, code: string | null, { source }: Arrival): void {
    const { authentications, directory } = this.#parts;
    const told = byCertificate(name, directory, { code, source });
    if (told !== undefined) authentications.add(told);
  }

  #open(arrival: Arrival, proven: ProvenGateway, place: Place | undefined): GatewaySession {
    const { directory, downlink, updates, router, log, monotonic } = this.#parts;
    const { client, connection, source } = arrival;
    const { device: gateway } = proven;
    const down = new DownQueue({
      ...{ gateway, client, connection, downlink, updates, log },
      onSent: (bytes) => link.meter?.account.sent(bytes),
    });
    const link = this.#linkOf(arrival, gateway);
    return new GatewaySession({ proven, place, source, link, down, directory, router, log, monotonic });
  }

  #linkOf({ client, connection }: Arrival, { id }: Device): Link {
    const noticeTopic = gatewayTopic(id, 'notice');
    return new Link({ client, connection, noticeTopic, packetBytes: limits.mqttPacketBytes });
  }
}
