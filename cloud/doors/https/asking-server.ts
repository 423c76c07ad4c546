import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { ServerIdentity } from '../../authority/index.ts';
import { endedSince, gatewayOf, type ProvenGateway } from '../../devices/index.ts';
import type { Directory } from '../../router/index.ts';
import { serverTls } from '../tls.ts';

/** Milliseconds between two looks at which certificates have ended. */
const tickMilliseconds = 1000;

/**
 * The TLS server of the HTTPS port for connections that offer no ALPN: it asks for a client certificate, and lets in who
 * shows none. Every browser offers ALPN, so that none is ever asked; gateways, curl with `--no-alpn` and whatever else
 * renews a certificate offer none. What comes out of it is served by the HTTPS server like everything else.
 */
export class AskingServer {
  readonly #server: Server;
  readonly #directory: Directory;
  readonly #timer: NodeJS.Timeout;
  /** Connections by a certificate that was good when they began. */
  readonly #proven = new Map<TLSSocket, ProvenGateway>();

  constructor(parts: {
    identity: ServerIdentity;
    /** Whom certificates are judged by, PEM. */
    clientTrust: string;
    /** Serves what is said inside. */
    serve: (socket: TLSSocket) => void;
    directory: Directory;
    handshakeMilliseconds: number;
    onTlsFailed: () => void;
  }) {
    const { identity, clientTrust, serve, handshakeMilliseconds } = parts;
    this.#directory = parts.directory;
    this.#server = createServer({
      ...serverTls(identity, 'https-asking'),
      ca: clientTrust,
      requestCert: true,
      // Nobody needs one but who renews it, and of one that is not good that is told in words.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeMilliseconds,
    });
    this.#server.on('secureConnection', (socket) => {
      this.#note(socket);
      serve(socket);
    });
    this.#server.on('tlsClientError', (_error, socket) => {
      parts.onTlsFailed();
      // One that times out is left open otherwise.
      socket.destroy();
    });
    this.#timer = setInterval(() => this.#tick(), tickMilliseconds);
    this.#timer.unref();
  }

  /** Takes a TCP connection of which nothing has been read yet. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** Takes another key and certificate, and others to judge by: for connections that begin from now on. */
  renew(identity: ServerIdentity, clientTrust: string): void {
    this.#server.setSecureContext({ ...serverTls(identity, 'https-asking'), ca: clientTrust });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #note(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    const gateway = certificate && gatewayOf(certificate, this.#directory);
    if (gateway === undefined || typeof gateway === 'string') return;
    this.#proven.set(socket, gateway);
    socket.once('close', () => this.#proven.delete(socket));
  }

  /** Who shows what has ended is told so at each request; what was good when it began is cut. */
  #tick(): void {
    for (const [socket, gateway] of this.#proven) {
      if (endedSince(gateway, this.#directory) !== undefined) socket.destroy();
    }
  }
}
