import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { codes, limits } from '@loadline/sdk/contract';
import { generate, parser } from '@loadline/sdk/mqtt-packet';
import type { Log } from '@loadline/sdk/platform';
import type { ServerIdentity } from '../../authority/index.ts';
import { shareByProtocol } from '../alpn/index.ts';
import { serverTls } from '../tls.ts';

/** Seconds after which who is told so may ask again. */
const retrySeconds = 60;

/** Bytes of a CONNECT at most, from who has not said anything yet. */
const connectBytes = 16_384;

export interface FencedDoorsOptions {
  readonly host: string;
  readonly httpsPort: number;
  readonly mqttPort: number;
  readonly identity: ServerIdentity;
  readonly log: Log;
}

/**
 * The doors of a restored copy that has not taken over. They stand where the others would, know no store, and let nobody
 * in: HTTPS answers 503, MQTT a CONNACK "server unavailable" (MQTT 3.1.1, section 3.2.2.3), by either port. So nothing is
 * acknowledged, and whoever has something keeps it.
 */
export class FencedDoors {
  readonly #https: Server;
  readonly #mqtt: TlsServer;
  readonly #sockets = new Set<Socket>();
  readonly #closeHellos: () => void;

  private constructor(options: FencedDoorsOptions) {
    const { identity, log } = options;
    this.#https = createServer(
      { ...serverTls(identity, 'https'), handshakeTimeout: limits.connectMilliseconds },
      refuseRequest,
    );
    this.#mqtt = createTlsServer({
      ...serverTls(identity, 'fenced'),
      ALPNProtocols: ['mqtt'],
      handshakeTimeout: limits.connectMilliseconds,
    });
    this.#mqtt.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#mqtt.on('secureConnection', (socket) => refuseConnect(socket, log));
    this.#closeHellos = shareByProtocol(this.#https, {
      takerOf: (protocols) =>
        protocols.includes('mqtt') ? (socket) => void this.#mqtt.emit('connection', socket) : undefined,
      milliseconds: limits.connectMilliseconds,
      log,
    });
    for (const server of [this.#https, this.#mqtt]) {
      server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
    }
  }

  static async open(options: FencedDoorsOptions): Promise<FencedDoors> {
    const doors = new FencedDoors(options);
    doors.#https.listen(options.httpsPort, options.host);
    await once(doors.#https, 'listening');
    doors.#mqtt.listen(options.mqttPort, options.host);
    await once(doors.#mqtt, 'listening');
    return doors;
  }

  get httpsPort(): number {
    return (this.#https.address() as AddressInfo).port;
  }

  get mqttPort(): number {
    return (this.#mqtt.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = [once(this.#https, 'close'), once(this.#mqtt, 'close')];
    this.#closeHellos();
    this.#https.close();
    this.#mqtt.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}

/** Whatever is asked for, whether the cloud is ready too; but that the process works is true. */
function refuseRequest(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET' && request.url === '/healthz') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end('ok\n');
    return;
  }
  const code = 'cloud-fenced';
  const body = JSON.stringify({
    type: `urn:loadline:problem:${code}`,
    title: codes[code],
    status: 503,
    detail: 'whoever runs it has it take over with: loadline-cloud restore --promote',
    code,
  });
  response.writeHead(503, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'retry-after': String(retrySeconds),
    // What was sent is not read to its end.
    connection: 'close',
  });
  response.end(body);
}

function refuseConnect(socket: TLSSocket, log: Log): void {
  let bytes = 0;
  const packets = parser();
  const timer = setTimeout(() => socket.destroy(), limits.connectMilliseconds);
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  packets.on('error', () => socket.destroy());
  packets.on('packet', ({ cmd }) => {
    if (cmd !== 'connect') {
      socket.destroy();
      return;
    }
    log.info('mqtt-client-refused', { code: 'cloud-fenced', from: socket.remoteAddress });
    socket.end(generate({ cmd: 'connack', returnCode: 3, sessionPresent: false }));
  });
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > connectBytes) socket.destroy();
    else packets.parse(chunk);
  });
}
