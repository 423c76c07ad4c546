import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import type { Log } from '@loadline/sdk/platform';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Authority, ServerIdentity } from '../../authority/index.ts';
import type { Enrolments, Sessions } from '../../people/index.ts';
import type { Directory, Live } from '../../router/index.ts';
import type { Store } from '../../store/index.ts';
import { guardRoutes } from './access.ts';
import { estRoutes } from './est-routes.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { liveRoutes } from './live-routes.ts';
import { refuseConnection, sendProblems, sendUnroutable } from './problem.ts';
import { seriesRoutes } from './series-routes.ts';
import { sessionRoutes } from './session-routes.ts';

/** Requests a minute that one address may send, logins and enrolments apart. */
const requestsPerMinute = 1200;

/** Milliseconds that a TLS handshake may take, and that a request's headers may take. */
const beginMilliseconds = 10_000;

/** Milliseconds that a whole request may take to arrive. */
const requestMilliseconds = 30_000;

/** Bytes of a request's body; enrolment has a limit of its own. */
const bodyBytes = 64 * 1024;

export interface HttpsDoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly identity: ServerIdentity;
  readonly authority: Authority;
  readonly store: Store;
  readonly directory: Directory;
  readonly live: Live;
  readonly sessions: Sessions;
  readonly enrolments: Enrolments;
  /** Ids of the gateways that are connected now. */
  readonly connected: () => ReadonlySet<string>;
  readonly log: Log;
}

/** The HTTPS door: REST under `/api/v1`, EST, live events, and the page. */
export class HttpsDoor {
  readonly #app: FastifyInstance;

  private constructor(app: FastifyInstance) {
    this.#app = app;
  }

  static async open(options: HttpsDoorOptions): Promise<HttpsDoor> {
    const { identity, log, host, port } = options;
    const app = fastify({
      https: {
        key: identity.privateKeyPem,
        cert: identity.certificatePem,
        minVersion: 'TLSv1.2',
        handshakeTimeout: beginMilliseconds,
        headersTimeout: beginMilliseconds,
        // How often Node looks whether one of these times is over.
        connectionsCheckingInterval: 1000,
      },
      requestTimeout: requestMilliseconds,
      bodyLimit: bodyBytes,
      frameworkErrors: (error, _request, reply) => sendUnroutable(error, reply as unknown as FastifyReply),
      clientErrorHandler: refuseConnection,
      forceCloseConnections: true,
    }) as unknown as FastifyInstance;
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    sendProblems(app, log);
    await app.register(cookie);
    await app.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { 'default-src': ["'self'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"] },
      },
      // It would bind every other program on the same host name, on localhost too; this door speaks TLS only.
      strictTransportSecurity: false,
      referrerPolicy: { policy: 'no-referrer' },
    });
    await app.register(rateLimit, { max: requestsPerMinute, timeWindow: '1 minute' });
    guardRoutes(app, options.sessions);
    sessionRoutes(app, options);
    gatewayRoutes(app, options);
    seriesRoutes(app, options);
    liveRoutes(app, options);
    estRoutes(app, options);
    await app.register(pageFiles);
    await app.listen({ host, port });
    return new HttpsDoor(app);
  }

  get port(): number {
    return (this.#app.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await this.#app.close();
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
