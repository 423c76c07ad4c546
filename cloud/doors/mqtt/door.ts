// First: it mends what the broker writes its packets with.
import '@loadline/sdk/mqtt-packet';

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Code, limits, statedEpoch } from '@loadline/sdk/contract';
import { Aedes, type Client } from 'aedes';
import type { StopCause } from '../../accounting/index.ts';
import type { ServerIdentity } from '../../authority/index.ts';
import { nameOf } from '../../devices/index.ts';
import { type Arrivals, type Limited, limitedDetail, type Metering } from '../../limits/index.ts';
import { serverTls } from '../tls.ts';
import { ApplicationLinks, type ApplicationParts } from './application-links.ts';
import { brokerId, type Claim, claimOf } from './claim.ts';
import { fitConnect } from './connect-packet.ts';
import { DeviceLinks, type DeviceParts } from './device-links.ts';
import { GatewayLinks, type GatewayParts } from './gateway-links.ts';
import { GuardedConnection } from './guarded-connection.ts';
import { certificateOf } from './identify.ts';
import type { Admission, Arrival, Session } from './session.ts';
import { byCertificate } from './told.ts';

export interface MqttDoorOptions extends GatewayParts, DeviceParts, ApplicationParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly identity: ServerIdentity;
  readonly store: GatewayParts['store'] & ApplicationParts['store'];
  /** Counts and limits sessions. */
  readonly metering?: Metering | undefined;
  /** Which connections are taken at all. */
  readonly arrivals?: Arrivals | undefined;
  /** Roots and issuing certificates of the fleet, PEM: of certificates, only theirs get past the handshake. */
  readonly clientTrust: string;
  /** Told of handshakes that come to nothing. */
  readonly onTlsFailed: () => void;
}

/** A connection, and what it is to be admitted by. */
interface Connected extends Arrival {
  readonly socket: TLSSocket;
  /** Of one that shows no certificate: what its CONNECT claims. */
  claim: Claim | 'by-certificate';
  /** Of one that shows one: the epoch that its CONNECT states. */
  epoch: string | undefined;
}

/** Milliseconds that links are given to say their last word when the door closes. */
const farewellMilliseconds = 1000;

/** Milliseconds between two looks at whether all that was read is settled. */
const settlingMilliseconds = 10;

/**
 * The MQTT/TLS door: MQTT 3.1.1 for gateways, by a client certificate of the fleet's authority, and for other devices and
 * applications, by a key and its secret. It knows sockets and the broker; what a link may do and hear is its session's.
 */
export class MqttDoor {
  readonly #options: MqttDoorOptions;
  readonly #server: Server;
  readonly #broker: Aedes;
  readonly #gateways: GatewayLinks;
  readonly #devices: DeviceLinks;
  readonly #applications: ApplicationLinks;
  readonly #sessions = new Map<Client, Session>();
  readonly #connections = new WeakMap<Client, Connected>();
  /** Every connection, those in their handshake included. */
  readonly #sockets = new Set<Socket>();
  /** When those were accepted, monotonic ms, by the address and port they come from. */
  readonly #began = new Map<string, number>();
  /** Links that were let in only to be told why they are not. */
  #turnedAway = 0;
  /** Why connections ended, as far as the broker said. */
  readonly #reasons = new WeakMap<Client, string>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  private constructor(options: MqttDoorOptions, server: Server, broker: Aedes) {
    this.#options = options;
    this.#server = server;
    this.#broker = broker;
    this.#gateways = new GatewayLinks(options);
    this.#devices = new DeviceLinks(options);
    this.#applications = new ApplicationLinks(options);
    this.#timer = setInterval(() => {
      this.#gateways.tick();
      this.#devices.tick();
      this.#applications.tick();
    }, 1000);
  }

  static async open(options: MqttDoorOptions): Promise<MqttDoor> {
    const { identity, clientTrust, host, port } = options;
    const broker = await Aedes.createBroker({
      connectTimeout: limits.connectMilliseconds,
      keepaliveLimit: limits.mqttKeepaliveSeconds,
      drainTimeout: limits.commitMilliseconds,
    });
    const server = createServer({
      ...serverTls(identity, 'mqtt'),
      ca: clientTrust,
      requestCert: true,
      // Applications show none. One that is shown and is not good is refused when the handshake is done.
      rejectUnauthorized: false,
      handshakeTimeout: limits.connectMilliseconds,
      ALPNProtocols: ['mqtt'],
    });
    const door = new MqttDoor(options, server, broker);
    door.#listen();
    door.#serve();
    server.listen(port, host);
    await once(server, 'listening');
    return door;
  }

  /** Takes a TCP connection that came in by another door and asked for MQTT. Nothing of it has been read yet. */
  accept(socket: Socket): void {
    if (this.#closing) socket.destroy();
    else this.#server.emit('connection', socket);
  }

  /** Takes another key and certificate, and whom to believe: links that begin from now on get them. */
  renew(identity: ServerIdentity, clientTrust: string): void {
    this.#server.setSecureContext({ ...serverTls(identity, 'mqtt'), ca: clientTrust });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether a device has a link now, by its certificate or by a key. */
  isConnected(device: string): boolean {
    return this.#gateways.isConnected(device) || this.#devices.isConnected(device);
  }

  /** Open connections by what they are; `unknown` has not said yet. */
  connections(): { readonly kind: Session['kind'] | 'unknown'; readonly count: number }[] {
    const kinds = [...this.#sessions.values()].map(({ kind }) => kind);
    const of = (kind: Session['kind']) => kinds.filter((one) => one === kind).length;
    return [
      { kind: 'gateway', count: of('gateway') },
      { kind: 'device', count: of('device') },
      { kind: 'application', count: of('application') },
      { kind: 'unknown', count: Math.max(0, this.#sockets.size - kinds.length) },
    ];
  }

  /**
   * Takes no more connections and reads nothing more, waits until what was read is settled, tells everybody and closes
   * every link; what is not settled within so many milliseconds is not acknowledged, and will be sent again.
   */
  async close(milliseconds = farewellMilliseconds): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#closing = true;
    this.#server.close();
    const until = this.#options.monotonic() + milliseconds;
    for (const session of this.#sessions.values())
      if (session.kind !== 'application') session.deliveries.drain();
    while (this.#isSettling() && this.#options.monotonic() < until) await delay(settlingMilliseconds);
    clearInterval(this.#timer);
    for (const { link } of this.#sessions.values()) link.end('cloud-stopping', 'connect again in a moment');
    const impatient = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, farewellMilliseconds);
    // The server waits for its own connections only, not for those that came in by another door.
    await Promise.all([closed, ...[...this.#sockets].map((socket) => once(socket, 'close'))]);
    clearTimeout(impatient);
    await new Promise<void>((resolve) => this.#broker.close(resolve));
  }

  #isSettling(): boolean {
    return [...this.#sessions.values()].some(
      (one) => one.kind !== 'application' && one.deliveries.isSettling,
    );
  }

  #listen(): void {
    const server = this.#server;
    server.on('connection', (socket: Socket) => {
      const from = endpointOf(socket);
      const began = this.#options.monotonic();
      this.#sockets.add(socket);
      this.#began.set(from, began);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        // Another one may come from there by now.
        if (this.#began.get(from) === began) this.#began.delete(from);
      });
    });
    // A handshake that times out leaves its socket open, unless it is destroyed here.
    server.on('tlsClientError', (error, socket) => this.#refuseHandshake(socket, error.message));
    server.on('secureConnection', (socket) => {
      const certificate = certificateOf(socket);
      if (certificate.kind === 'refused') this.#refuseCertificate(socket, certificate.reason);
      else this.#connect(socket, certificate.kind === 'good' ? 'by-certificate' : { kind: 'none' });
    });
    this.#options.arrivals?.guard(server);
  }

  /** Nothing proves that it is the one it names; but that one should know that somebody says so. */
  #refuseCertificate(socket: TLSSocket, reason: string): void {
    const { directory, authentications } = this.#options;
    const code = reason === 'CERT_HAS_EXPIRED' ? 'certificate-expired' : 'certificate-refused';
    const source = socket.remoteAddress ?? '';
    const told = byCertificate(nameOf(socket.getPeerX509Certificate()), directory, { code, source });
    if (told !== undefined) authentications.add(told);
    this.#refuseHandshake(socket, reason);
  }

  #refuseHandshake(socket: TLSSocket, reason: string): void {
    this.#options.onTlsFailed();
    this.#options.log.info('mqtt-handshake-refused', { from: socket.remoteAddress, reason });
    socket.destroy();
  }

  #connect(socket: TLSSocket, claim: Connected['claim']): void {
    socket.setNoDelay(true);
    const source = socket.remoteAddress ?? '';
    const connection = new GuardedConnection(socket);
    const client = this.#broker.handle(connection);
    const began = this.#began.get(endpointOf(socket)) ?? 0;
    this.#connections.set(client, { client, connection, source, began, socket, claim, epoch: undefined });
    // Before the broker's own listener, which closes the connection: this is the last moment to say why.
    client.prependListener('error', (error: Error) => {
      if (this.#reasons.get(client) === 'keepalive' || connection.destroyed) return;
      this.#sessions.get(client)?.link.endedByBroker('packet-malformed', error.message.slice(0, 300));
    });
    // Not the broker's word: it says nothing of a client that leaves in the middle of its CONNECT.
    connection.once('close', () => this.#gone(client));
  }

  #serve(): void {
    const broker = this.#broker;
    broker.preConnect = (client, packet, done) => {
      const connected = this.#connections.get(client);
      if (connected?.claim === 'by-certificate') connected.epoch = statedEpoch(packet.username);
      else if (connected !== undefined) {
        connected.claim = claimOf(packet);
        packet.clientId = brokerId(connected.claim);
      }
      const fault = fitConnect(packet);
      done(fault ?? null, fault === undefined);
    };

    broker.authenticate = (client, _user, _password, done) => {
      this.#admit(client).then(
        (admission) => this.#settle(client, admission, done),
        (error: Error) => {
          this.#options.log.error('mqtt-admission-failed', { reason: error.message });
          done(Object.assign(new Error('internal'), { returnCode: 3 }), null);
        },
      );
    };

    broker.authorizePublish = (client, packet, done) => {
      if (client === null) {
        done(new Error('the broker publishes nothing itself'));
        return;
      }
      packet.retain = false;
      const session = this.#sessions.get(client);
      session?.link.connection.publishTaken();
      if (session === undefined || session.link.ending) return;
      const { topic, qos, payload, dup, messageId = 0 } = packet;
      const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
      session.publish({ topic, qos, packetId: messageId, dup, body }, () => done(null));
    };

    // What is published has gone to its session by then, and nobody listens within the broker: there is nothing to fan out.
    broker.publish = (...called: readonly unknown[]) => {
      const done = called.at(-1);
      if (typeof done === 'function') done();
    };

    broker.authorizeSubscribe = (client, subscription, done) => {
      const allowed = client && this.#sessions.get(client)?.subscribe(subscription.topic);
      // Null is the broker's word for a refused subscription: SUBACK 0x80.
      done(null, allowed ? subscription : null);
    };

    // After the SUBACK. What was refused has the QoS 128 here.
    broker.on('subscribe', (subscriptions, client) => {
      for (const { topic, qos } of subscriptions) {
        if (qos <= 2) this.#sessions.get(client)?.subscribed(topic);
      }
    });
    broker.on('unsubscribe', (topics, client) => {
      for (const topic of topics) this.#sessions.get(client)?.unsubscribed(topic);
    });

    broker.on('clientError', (client, error) => this.#reasons.set(client, error.message));
    broker.on('keepaliveTimeout', (client) => this.#reasons.set(client, 'keepalive'));
    broker.on('connectionError', (client, error) => {
      this.#reasons.set(client, error.message);
      this.#options.log.info('mqtt-connection-failed', { reason: error.message });
    });
  }

  async #admit(client: Client): Promise<Admission> {
    const connected = this.#connections.get(client);
    if (connected === undefined) return { kind: 'gone' };
    const { claim, socket, epoch } = connected;
    if (claim === 'by-certificate') return await this.#gateways.admit(connected, socket, epoch);
    if (claim.kind === 'device-key') return this.#devices.admit(connected, claim);
    return await this.#applications.admit(connected, claim);
  }

  #settle(client: Client, admission: Admission, done: Parameters<Aedes['authenticate']>[3]): void {
    switch (admission.kind) {
      case 'admitted':
        this.#sessions.set(client, admission.session);
        this.#measure(client, admission.session);
        done(null, true);
        return;
      case 'gone':
        done(null, false);
        return;
      case 'turned-away': {
        const { code, detail, link } = admission;
        const { source: from } = this.#connections.get(client) as Connected;
        this.#options.log.info('mqtt-client-refused', { client: client.id, from, code });
        // By its own name it would end the link that stands.
        Object.assign(client, { id: `:turned-away:${++this.#turnedAway}` });
        link.endedByBroker(code, detail);
        client.once('connected', () => client.close());
        done(null, true);
        return;
      }
      case 'refused': {
        const { code, returnCode } = admission;
        const { source: from, claim } = this.#connections.get(client) as Connected;
        const who = claim === 'by-certificate' ? { client: client.id } : { key: keyOf(claim) };
        this.#options.log.info('mqtt-client-refused', { ...who, from, code });
        done(Object.assign(new Error(code), { returnCode }), null);
      }
    }
  }

  /** Begins to count its session; one that is over a limit ends as soon as it can be told so. */
  #measure(client: Client, { principal, link }: Session): void {
    const { source } = this.#connections.get(client) as Connected;
    const end = (limited: Limited) => link.end(limited.code, limitedDetail(limited));
    const meter = this.#options.metering?.begin(principal, { door: 'mqtt', source }, end);
    if (meter === undefined) return;
    if ('kind' in meter) client.once('connected', () => end(meter));
    else link.measureBy(meter);
  }

  #gone(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    const reason = this.#reasons.get(client);
    session.link.meter?.end(causeOf(session.link.endCode, reason));
    if (session.kind === 'gateway') this.#gateways.gone(session, reason);
    else if (session.kind === 'device') this.#devices.gone(session, reason);
    else this.#applications.gone(session, reason);
  }
}

/** Where a connection comes from: as long as it is open, there is no other one from there. */
function endpointOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Why a link stopped, by what it was ended with from here, or by what the broker said. */
function causeOf(code: Code | undefined, reason: string | undefined): StopCause {
  switch (code) {
    case undefined:
      return reason === undefined ? 'client-closed' : 'lost-carrier';
    case 'session-taken-over':
      return 'taken-over';
    case 'cloud-stopping':
      return 'drained';
    case 'credential-ended':
    case 'device-disabled':
    case 'device-retired':
    case 'certificate-revoked':
    case 'certificate-superseded':
    case 'certificate-held-back':
    case 'certificate-expired':
      return 'revoked';
    case 'quota-exceeded':
    case 'rate-limited':
    case 'too-many-connections':
      return 'quota';
    case 'commit-timeout':
    case 'internal':
      return 'cloud-failed';
    default:
      return 'refused';
  }
}

/** A key's id for the log; what has not its form may be anything, a password too. */
function keyOf(claim: Claim): string | undefined {
  return 'key' in claim ? claim.key : undefined;
}
