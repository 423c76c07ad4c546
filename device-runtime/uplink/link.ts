import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { NoticeMessage } from '@loadline/sdk/contract';
import {
  type DownChannel,
  gatewayTopic,
  limits,
  noticeMessage,
  type UpChannel,
} from '@loadline/sdk/contract';
import mqttClient from 'mqtt/lib/client';

// Not the package's front door: that one brings WebSockets and proxies along, 160 KB of them.
const MqttClient = mqttClient.default;

/** One connection to the cloud. Made connected, used once, never reconnected. */
export interface Link {
  /** Publishes with QoS 1; resolves with the PUBACK and only with it, rejects when the link is lost before. */
  publish(channel: UpChannel, payload: Uint8Array | string): Promise<void>;
  /** Says goodbye (DISCONNECT) and closes. */
  close(): Promise<void>;
  /** Resolves with the reason when the link is gone, however it went. */
  readonly closed: Promise<string>;
}

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly gatewayId: string;
  readonly keepaliveSeconds: number;
  /** The fleet's authority, the private key and the certificate with its chain, PEM. */
  readonly authorityPem: string;
  readonly privateKeyPem: string;
  readonly chainPem: string;
  readonly onNotice: (notice: NoticeMessage) => void;
}

/**
 * Milliseconds a publish may wait for its PUBACK. The cloud answers within `commitMilliseconds` or closes the
 * link itself, so past it the link is only half there.
 */
const acknowledgeMilliseconds = limits.commitMilliseconds + 5000;

const notice: DownChannel = 'notice';

/**
 * Connects over TLS with the gateway's certificate, as MQTT 3.1.1 with a clean session. A fresh client each time:
 * MQTT.js would otherwise reconnect in step with the whole fleet and resend from a store of its own
 * (`field notes`: one message a round trip, and some lost when ids wrap). What is unacknowledged is the journal's.
 *
 * @throws Error when there is no CONNACK within `limits.connectMilliseconds`, with the reason.
 */
export function connectLink(options: LinkOptions): Promise<Link> {
  const { gatewayId } = options;
  const socket = connectTls({
    host: options.host,
    port: options.port,
    ...(isIP(options.host) === 0 && { servername: options.host }),
    ca: options.authorityPem,
    key: options.privateKeyPem,
    cert: options.chainPem,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  socket.setNoDelay(true);
  const client = new MqttClient(() => socket, {
    clientId: gatewayId,
    clean: true,
    protocolVersion: 4,
    keepalive: options.keepaliveSeconds,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: limits.connectMilliseconds,
    timerVariant: 'native',
  });

  return new Promise((resolve, reject) => {
    let reason: string | undefined;
    /** The first thing known to be wrong is the reason; what follows from it is not. */
    const lose = (why: string): void => {
      reason ??= why;
      socket.destroy();
    };
    const { promise: closed, resolve: close } = Promise.withResolvers<string>();
    /** What to call for each publish without an answer when the link is gone: MQTT.js may never say. */
    const unanswered = new Set<(error: Error) => void>();
    const deadline = setTimeout(
      () => lose(`no answer from ${options.host}:${options.port} within ${limits.connectMilliseconds} ms`),
      limits.connectMilliseconds,
    );
    socket.on('error', (error: NodeJS.ErrnoException) => lose(error.message || (error.code ?? error.name)));
    client.on('error', (error) => lose(error.message));
    client.on('message', (_topic, payload) => {
      const said = readNotice(payload);
      if (said === undefined) return;
      reason ??= `the cloud said ${said.code}: ${said.detail}`;
      options.onNotice(said);
    });
    client.once('close', () => {
      clearTimeout(deadline);
      const why = reason ?? 'closed by the cloud';
      // Its timers and its list of unanswered publishes go with it.
      client.end(true);
      const gone = new Error(why);
      for (const fail of unanswered) fail(gone);
      close(why);
      reject(gone);
    });
    client.once('connect', () => {
      clearTimeout(deadline);
      client.subscribe(gatewayTopic(gatewayId, notice), { qos: 0 }, (error) => {
        if (error) lose(`notices refused: ${error.message}`);
      });
      resolve({
        closed,
        publish: (channel, payload) =>
          new Promise((acknowledged, lost) => {
            const late = setTimeout(
              () => lose(`no acknowledgement for ${acknowledgeMilliseconds} ms`),
              acknowledgeMilliseconds,
            );
            const settle = (error: Error | undefined): void => {
              clearTimeout(late);
              unanswered.delete(settle);
              if (error) lost(error);
              else acknowledged();
            };
            unanswered.add(settle);
            const body =
              typeof payload === 'string'
                ? payload
                : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
            client.publish(gatewayTopic(gatewayId, channel), body, { qos: 1 }, settle);
          }),
        close: async () => {
          reason ??= 'closed by this gateway';
          client.end();
          const force = setTimeout(() => socket.destroy(), 1000);
          await closed;
          clearTimeout(force);
        },
      });
    });
  });
}

function readNotice(payload: Uint8Array): NoticeMessage | undefined {
  try {
    return noticeMessage.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
  } catch {
    return undefined;
  }
}
