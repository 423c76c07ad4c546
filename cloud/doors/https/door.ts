import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Authority, ServerIdentity } from '../../authority/index.ts';
import type { Renewals } from '../../devices/index.ts';
import type { Arrivals } from '../../limits/index.ts';
import type { Enrolments } from '../../people/index.ts';
import type { Directory } from '../../router/index.ts';
import { shareByProtocol } from '../alpn/index.ts';
import { serverTls } from '../tls.ts';
import { AskingServer } from './asking-server.ts';
import { bindOperations } from './bind.ts';
import type { Handlers } from './call.ts';
import { estRoutes } from './est-routes.ts';
import type { Gate } from './gate.ts';
import { healthRoutes } from './health-routes.ts';
import { type IngestParts, ingestRoutes } from './ingest/routes.ts';
import { demandOpenings } from './openings.ts';
import {
  refuseConnection,
  refuseExpectation,
  sendNothingThere,
  sendProblems,
  sendUnroutable,
} from './problem.ts';
import { sendSecurityHeaders } from './security-headers.ts';
import { speedLimit } from './speed.ts';
import { type UpdateRouteParts, updateRoutes } from './update-routes.ts';

/** Milliseconds that a TLS handshake may take, and that a request's headers may take. */
const beginMilliseconds = 10_000;

/** Milliseconds that a whole request may take to arrive. */
const requestMilliseconds = 30_000;

/** Milliseconds that a connection without a request is kept: longer than what stands before it, if anything does. */
const idleMilliseconds = 72_000;

/** Milliseconds that requests under way are given when the door closes, where nobody says otherwise. */
const farewellMilliseconds = 1000;

/** Bytes of a request's body; enrolment has a limit of its own. */
const bodyBytes = 64 * 1024;

export interface HttpsDoorOptions extends IngestParts, Omit<UpdateRouteParts, 'authority'> {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly identity: ServerIdentity;
  readonly authority: Authority;
  readonly directory: Directory;
  readonly enrolments: Enrolments;
  readonly renewals: Renewals;
  /** One for each operation of the API. */
  readonly handlers: Handlers;
  readonly gate: Gate;
  /** Which connections are taken at all. */
  readonly arrivals?: Arrivals | undefined;
  /** Called when the door closes: ends what would not end by itself. */
  readonly beforeClose: () => Promise<void>;
  /** Takes the connections that ask for MQTT (ALPN `mqtt`): the MQTT door's. */
  readonly acceptMqtt: (socket: Socket) => void;
  /** Whether deliveries are taken in. */
  readonly isReady: () => Promise<boolean>;
  /** Told of handshakes that come to nothing. */
  readonly onTlsFailed: () => void;
}

/** The HTTPS door: REST under `/api/v1`, EST, live events, and the page; and the way to the MQTT door by ALPN. */
export class HttpsDoor {
  readonly #app: FastifyInstance;
  readonly #asking: AskingServer;
  /** Every connection, those in their handshake included: nothing else reaches them. */
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(app: FastifyInstance, asking: AskingServer, sockets: ReadonlySet<Socket>) {
    this.#app = app;
    this.#asking = asking;
    this.#sockets = sockets;
  }

  static async open(options: HttpsDoorOptions): Promise<HttpsDoor> {
    const { identity, log, host, port } = options;
    const sockets = new Set<Socket>();
    const track = (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    };
    const { authority, directory, onTlsFailed } = options;
    const asking = new AskingServer({
      ...{ identity, clientTrust: authority.clientTrust(), directory, onTlsFailed },
      serve: (socket) => app.server.emit('secureConnection', socket),
      handshakeMilliseconds: beginMilliseconds,
    });
    const closers = [() => asking.close()];
    const takerOf = (protocols: readonly string[]) => {
      if (protocols.includes('mqtt')) return options.acceptMqtt;
      if (protocols.length > 0) return undefined;
      return (socket: Socket) => {
        track(socket);
        asking.accept(socket);
      };
    };
    const app = fastify({
      serverFactory: (handler) => {
        const server = createServer(
          {
            ...serverTls(identity, 'https'),
            handshakeTimeout: beginMilliseconds,
            headersTimeout: beginMilliseconds,
            requestTimeout: requestMilliseconds,
            keepAliveTimeout: idleMilliseconds,
            // How often Node looks whether one of these times is over.
            connectionsCheckingInterval: 1000,
          },
          handler,
        );
        server.on('checkExpectation', refuseExpectation);
        server.on('connection', track);
        server.on('tlsClientError', onTlsFailed);
        closers.push(shareByProtocol(server, { takerOf, milliseconds: beginMilliseconds, log }));
        options.arrivals?.guard(server);
        return server;
      },
      bodyLimit: bodyBytes,
      frameworkErrors: (error, _request, reply) => sendUnroutable(error, reply as unknown as FastifyReply),
      clientErrorHandler: refuseConnection,
      // Requests under way are answered before the door closes, as far as its time goes (`close`).
      forceCloseConnections: 'idle',
    }) as unknown as FastifyInstance;
    // Before the server closes what it takes for idle: to it an answer is over that has been written and not yet sent.
    app.addHook('preClose', async () => {
      for (const close of closers) close();
      await options.beforeClose();
    });
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    sendProblems(app, log);
    await app.register(cookie);
    await sendSecurityHeaders(app);
    // Each operation says its own limit (`bind.ts`): this one is for what is none.
    await app.register(rateLimit, speedLimit);
    sendNothingThere(app);
    demandOpenings(app);
    bindOperations(app, options);
    estRoutes(app, options);
    healthRoutes(app, options);
    ingestRoutes(app, options);
    updateRoutes(app, options);
    await app.register(pageFiles);
    await app.listen({ host, port });
    return new HttpsDoor(app, asking, sockets);
  }

  get port(): number {
    return (this.#app.server.address() as AddressInfo).port;
  }

  /** Open connections of the port: those in their handshake, and those that were handed to the MQTT door, among them. */
  connections(): Promise<number> {
    return new Promise((resolve) => {
      this.#app.server.getConnections((error, count) => resolve(error ? 0 : count));
    });
  }

  /** Takes another key and certificate, and others to judge clients' by: for connections that begin from now on. */
  renew(identity: ServerIdentity, clientTrust: string): void {
    (this.#app.server as Server).setSecureContext(serverTls(identity, 'https'));
    this.#asking.renew(identity, clientTrust);
  }

  /**
   * Takes no more connections, ends the streams, answers what is under way, and closes; what is not done within so many
   * milliseconds is cut off.
   */
  async close(milliseconds = farewellMilliseconds): Promise<void> {
    const impatient = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, milliseconds);
    await this.#app.close();
    clearTimeout(impatient);
  }
}

/** The page: files anybody may load; what they show comes from the API. */
function pageFiles(page: FastifyInstance, _options: unknown, done: () => void): void {
  page.addHook('onRoute', (route) => {
    route.config = { ...route.config, opens: 'public' };
  });
  page.register(files, {
    root: webFolder(),
    wildcard: false,
    preCompressed: true,
    // Bundled files are named by their content; the page that names them is asked for each time.
    setHeaders: (reply, path) => {
      const named = /-[A-Z0-9]{8}\.(js|css)(\.(br|gz))?$/.test(path);
      reply.header('cache-control', named ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  done();
}

/** Where the bundled page lies: beside the JavaScript of a packed install, in `dist` of the checkout. */
function webFolder(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith('.ts') ? '../../dist/web/' : '../../web/', here));
}
