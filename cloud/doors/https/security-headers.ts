import { isIP } from 'node:net';
import helmet from '@fastify/helmet';
import { apiPrefix } from '@loadline/sdk/api';
import type { FastifyInstance } from 'fastify';

/** What no answer is to be: a frame of another page, or a page whose base another one sets. */
const everywhere = { 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"], 'object-src': ["'none'"] };

/** The page loads what is its own, and nothing else; what is not named here it loads from nowhere. */
const pagePolicy = {
  ...everywhere,
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
};

/** What is no page: opened as one, it runs nothing, loads nothing and has no origin. */
const dataPolicy = "default-src 'none';frame-ancestors 'none';base-uri 'none';object-src 'none';sandbox";

/** Where nothing is a page. */
const noPages = [apiPrefix, '/.well-known/', '/ingest'] as const;

/** For answers to what is no request of any route. */
export const bareHeaders = {
  'Content-Security-Policy': dataPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
} as const;

/** A year and more, with every name below: what ASVS 5.0 asks for (3.4.1). */
const strictTransport = 'max-age=31536000; includeSubDomains';

/**
 * Whether browsers may be told to use TLS only at a host name. Not at localhost, nor at a name of a local network: it
 * would bind every other program of the same machine for a year. At an address they would not listen (RFC 6797, 8.1.1).
 */
function isPublicName(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  return name.includes('.') && isIP(name) === 0 && !/\.(localhost|local|internal)$/.test(name);
}

/** Tells browsers what they must not do with what this door answers, streams and refusals included. */
export async function sendSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: pagePolicy },
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  // On the raw answer, as helmet does it: streams are written past the framework.
  app.addHook('onRequest', (request, { raw }, done) => {
    if (isPublicName(request.hostname)) raw.setHeader('strict-transport-security', strictTransport);
    if (noPages.some((prefix) => request.url.startsWith(prefix))) {
      raw.setHeader('content-security-policy', dataPolicy);
    }
    done();
  });
}
