import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { limits, parseTopic, type UpChannel, upChannels } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { Aedes, type Client } from 'aedes';
import type { GatewayPrincipal } from '../../access/index.ts';
import type { ServerIdentity } from '../../authority/index.ts';
import type { Downlink } from '../../downlink/index.ts';
import type { Directory, Gateway, Router } from '../../router/index.ts';
import { fitConnect } from './connect-packet.ts';
import { DownQueue } from './down-queue.ts';
import { downChannel, mayReceive } from './down-topics.ts';
import { GuardedConnection } from './guarded-connection.ts';
import { identify } from './identify.ts';
import { MqttSession } from './session.ts';

export interface MqttDoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly identity: ServerIdentity;
  /** The fleet's authority, PEM: only its certificates get past the handshake. */
  readonly authorityPem: string;
  readonly directory: Directory;
  readonly router: Router;
  readonly downlink: Downlink;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** Milliseconds that links are given to say their last word when the door closes. */
const farewellMilliseconds = 1000;

/**
 * The MQTT/TLS door for gateways: MQTT 3.1.1 with a client certificate of the fleet's authority. Client id,
 * certificate name and gateway id are one; a gateway publishes and hears in its own subtree only. A PUBACK
 * leaves when the router says that the delivery is committed, and never otherwise.
 */
export class MqttDoor {
  readonly #options: MqttDoorOptions;
  readonly #server: Server;
  readonly #broker: Aedes;
  readonly #sessions = new Map<Client, MqttSession>();
  readonly #connections = new WeakMap<Client, { connection: GuardedConnection; socket: TLSSocket }>();
  /** Every connection, those in their handshake included. */
  readonly #sockets = new Set<Socket>();
  /** Why connections ended, as far as the broker said. */
  readonly #reasons = new WeakMap<Client, string>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  private constructor(options: MqttDoorOptions, server: Server, broker: Aedes) {
    this.#options = options;
    this.#server = server;
    this.#broker = broker;
    this.#timer = setInterval(() => this.#endOverdue(), 1000);
  }

  static async open(options: MqttDoorOptions): Promise<MqttDoor> {
    const { identity, authorityPem, host, port } = options;
    const broker = await Aedes.createBroker({
      connectTimeout: limits.connectMilliseconds,
      keepaliveLimit: limits.mqttKeepaliveSeconds,
      drainTimeout: limits.commitMilliseconds,
    });
    const server = createServer({
      key: identity.privateKeyPem,
      cert: identity.certificatePem,
      ca: authorityPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.connectMilliseconds,
      ALPNProtocols: ['mqtt'],
      // A session begun at another door, where nobody shows a certificate, is none here.
      sessionIdContext: 'mqtt',
    });
    const door = new MqttDoor(options, server, broker);
    door.#attach();
    server.listen(port, host);
    await once(server, 'listening');
    return door;
  }

  /** Takes a TCP connection that came in by another door and asked for MQTT. Nothing of it has been read yet. */
  accept(socket: Socket): void {
    if (this.#closing) socket.destroy();
    else this.#server.emit('connection', socket);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ids of the gateways that are connected now. */
  connected(): Set<string> {
    return new Set([...this.#sessions.values()].map(({ principal }) => principal.id));
  }

  /** Tells every gateway, closes every link, and stops listening. What was not acknowledged will be sent again. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions.values()) session.end('cloud-stopping', 'connect again in a moment');
    const impatient = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, farewellMilliseconds);
    // The server waits for its own connections only, not for those that came in by another door.
    await Promise.all([closed, ...[...this.#sockets].map((socket) => once(socket, 'close'))]);
    clearTimeout(impatient);
    await new Promise<void>((resolve) => this.#broker.close(resolve));
  }

  #attach(): void {
    const { log, directory, downlink } = this.#options;
    const server = this.#server;
    const broker = this.#broker;

    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // A handshake that times out leaves its socket open, unless it is destroyed here.
    server.on('tlsClientError', (error, socket) => {
      // Node hangs up on a certificate it refuses: only this property says why.
      const refused = socket.authorizationError;
      const reason = refused === undefined || refused === null ? error.message : String(refused);
      log.info('mqtt-handshake-refused', { from: socket.remoteAddress, reason });
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      socket.setNoDelay(true);
      const connection = new GuardedConnection(socket);
      const client = broker.handle(connection);
      this.#connections.set(client, { connection, socket });
      // Before the broker's own listener, which closes the connection: this is the last moment to say why.
      client.prependListener('error', (error: Error) => {
        if (this.#reasons.get(client) === 'keepalive' || connection.destroyed) return;
        this.#sessions.get(client)?.endedByBroker('packet-malformed', error.message.slice(0, 300));
      });
      // Not the broker's word: it says nothing of a client that leaves in the middle of its CONNECT.
      connection.once('close', () => this.#gone(client));
    });

    broker.preConnect = (_client, packet, done) => {
      const fault = fitConnect(packet);
      done(fault ?? null, fault === undefined);
    };

    broker.authenticate = (client, _user, _password, done) => {
      const socket = this.#connections.get(client)?.socket;
      const principal = identify(socket, client.id, directory, this.#options.now());
      if (typeof principal === 'string') {
        log.info('mqtt-client-refused', { client: client.id, from: socket?.remoteAddress, code: principal });
        // 2: identifier rejected, 5: not authorised (MQTT 3.1.1, table 3.1).
        const returnCode = principal === 'identity-mismatch' ? 2 : 5;
        done(Object.assign(new Error(principal), { returnCode }), null);
        return;
      }
      const { connection } = this.#connections.get(client) as { connection: GuardedConnection };
      if (connection.destroyed) {
        done(null, false);
        return;
      }
      for (const session of this.#sessions.values()) {
        if (session.principal.id !== principal.id) continue;
        session.end('session-taken-over', 'the same gateway connected again');
      }
      this.#open(client, connection, principal);
      log.info('gateway-connected', { gateway: principal.id });
      done(null, true);
    };

    broker.authorizePublish = (client, packet, done) => {
      if (client === null) {
        done(new Error('the broker publishes nothing itself'));
        return;
      }
      packet.retain = false;
      this.#publish(client, packet.topic, packet.qos, packet.payload, done);
    };

    broker.authorizeSubscribe = (client, subscription, done) => {
      const session = client && this.#sessions.get(client);
      const allowed = session && mayReceive(session.principal, subscription.topic, directory);
      // Null is the broker's word for a refused subscription: SUBACK 0x80.
      done(null, allowed ? subscription : null);
    };

    // After the SUBACK. What was refused has the QoS 128 here.
    broker.on('subscribe', (subscriptions, client) => {
      for (const { topic, qos } of subscriptions) {
        const channel = qos > 2 ? undefined : downChannel(topic);
        if (channel !== undefined) this.#sessions.get(client)?.down.subscribed(channel);
      }
    });
    broker.on('unsubscribe', (topics, client) => {
      for (const topic of topics) {
        const channel = downChannel(topic);
        if (channel !== undefined) this.#sessions.get(client)?.down.unsubscribed(channel);
      }
    });
    downlink.onNews((gateway, news) => {
      for (const { principal, down } of this.#sessions.values())
        if (principal.id === gateway) down.tell(news);
    });

    broker.on('clientError', (client, error) => this.#reasons.set(client, error.message));
    broker.on('keepaliveTimeout', (client) => this.#reasons.set(client, 'keepalive'));
    broker.on('connectionError', (client, error) => {
      this.#reasons.set(client, error.message);
      log.info('mqtt-connection-failed', { reason: error.message });
    });
  }

  #open(client: Client, connection: GuardedConnection, principal: GatewayPrincipal): void {
    const { directory, downlink, log } = this.#options;
    const gateway = directory.gateway(principal.id) as Gateway;
    const down = new DownQueue({ gateway, client, connection, downlink, log });
    const session = new MqttSession({ principal, down, client, connection });
    connection.admit(() => {
      session.end('packet-too-large', `a packet may have ${limits.mqttPacketBytes} bytes`);
    });
    this.#sessions.set(client, session);
  }

  #gone(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    this.#options.log.info('gateway-disconnected', {
      gateway: session.principal.id,
      reason: this.#reasons.get(client),
    });
  }

  #publish(
    client: Client,
    name: string,
    qos: number,
    payload: Buffer | string,
    done: (error?: Error | null) => void,
  ): void {
    const session = this.#sessions.get(client);
    const topic = parseTopic(name);
    if (session === undefined || session.ending) return;
    if (topic === undefined || !isUp(topic.channel) || qos > 1) {
      this.#options.log.warn('publish-refused', {
        gateway: session.principal.id,
        topic: name.slice(0, 200),
        qos,
      });
      session.end('topic-forbidden', 'publish QoS 0 or 1 on the channels of your own subtree');
      return;
    }
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const pending = session.began(body.length, this.#options.monotonic());
    const { gateway, channel } = topic;
    this.#options.router.deliver({ principal: session.principal, gateway, channel, body }, (receipt) => {
      if (session.ending) return;
      switch (receipt.kind) {
        case 'answered':
          session.down.answer(receipt.answer);
          session.settled(pending, () => done(null));
          return;
        case 'committed':
          session.settled(pending, () => done(null));
          return;
        case 'forbidden':
          this.#options.log.warn('delivery-forbidden', { gateway: session.principal.id, topic: name });
          // The same for every other gateway: who is there is not for this one to know.
          session.end('topic-forbidden', 'this certificate may not publish here');
          return;
        case 'failed':
          this.#options.log.error('delivery-not-committed', {
            gateway: session.principal.id,
            reason: receipt.message,
          });
          session.end('internal', 'the delivery could not be committed and was not acknowledged');
      }
    });
  }

  #endOverdue(): void {
    const now = this.#options.monotonic();
    for (const session of this.#sessions.values()) {
      if (!session.isOverdue(now)) continue;
      this.#options.log.error('commit-overdue', { gateway: session.principal.id });
      session.end('commit-timeout', 'the cloud could not commit in time; connect again and resend');
    }
  }
}

function isUp(channel: string): channel is UpChannel {
  return (upChannels as readonly string[]).includes(channel);
}
