import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Code, codes } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { holdsSecret } from './ingest/url-secret.ts';
import { bareHeaders } from './security-headers.ts';

/** A refusal on its way to the client as problem details (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  readonly code: Code;
  /** Seconds after which to try again, where waiting helps: the answer's `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: Code, detail: string, retryAfterSeconds?: number) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const mediaType = 'application/problem+json';

function detailsOf({ status, code, message: detail }: Problem) {
  return { type: `urn:loadline:problem:${code}`, title: codes[code], status, detail, code };
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  const { retryAfterSeconds } = problem;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  const challenge = challengeOf(problem, reply.request.headers.authorization);
  if (challenge !== undefined && !reply.hasHeader('www-authenticate')) {
    reply.header('www-authenticate', challenge);
  }
  // It may tell of a person too, and is no answer for the next one who asks at the same browser.
  reply.header('cache-control', 'no-store');
  return reply.status(problem.status).type(mediaType).serializer(JSON.stringify).send(detailsOf(problem));
}

/** How to prove oneself, or what was wrong with the token (RFC 9110, section 15.5.2; RFC 6750, section 3.1). */
function challengeOf({ status, code }: Problem, authorization: string | undefined): string | undefined {
  const isBearer = /^bearer /i.test(authorization ?? '');
  if (status === 401) return isBearer ? 'Bearer error="invalid_token"' : 'Bearer';
  return isBearer && code === 'forbidden' ? 'Bearer error="insufficient_scope"' : undefined;
}

/** Answers an address that cannot be one (a broken escape, a parameter without end): it comes to no route. */
export function sendUnroutable(error: { statusCode?: number }, reply: FastifyReply): void {
  send(
    reply.headers(bareHeaders),
    new Problem(error.statusCode ?? 400, 'request-invalid', 'this is not an address of this cloud'),
  );
}

/** Answers bytes that are no HTTP request, or not within its time, and closes the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = unreadable(error.code);
  const body = JSON.stringify(detailsOf(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${mediaType}\r\n` +
      Object.entries(bareHeaders)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // It has what there is to say; whether it reads that or goes on sending is not waited for.
  socket.destroySoon();
}

/** Answers who expects what this door does not do (RFC 9110, section 10.1.1), and closes the connection. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const problem = new Problem(417, 'request-invalid', 'Expect can be 100-continue only');
  response.writeHead(problem.status, { 'content-type': mediaType, connection: 'close' });
  response.end(JSON.stringify(detailsOf(problem)));
}

function unreadable(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'request-invalid', 'the request did not come in time');
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, 'request-invalid', 'the headers of the request are too long');
    default:
      return new Problem(400, 'request-invalid', 'this is not an HTTP request');
  }
}

/** Makes every error of a route a problem; what nobody foresaw is logged, and shown without its inside. */
export function sendProblems(app: FastifyInstance, log: Log): void {
  // Whoever has hung up already has no address to count requests by, and hears no answer.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.raw.socket.destroyed) reply.hijack();
    else done();
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof Problem)) {
      log.error('request-failed', { route: request.routeOptions.url, reason: error.message });
    } else if (isTold(problem, request)) {
      // The route and not the address: what was asked for may be anything.
      const { method, routeOptions, caller, ip: from } = request;
      const by = caller === null ? null : `${caller.kind} ${caller.id}`;
      log.info('request-refused', { method, route: routeOptions.url, code: problem.code, by, from });
    }
    return send(reply, problem);
  });
}

/** What an error of a route is to its client. */
function problemOf(error: Error & { statusCode?: number }): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validation.map((one) => `${one.instancePath || '/'}: ${one.message}`).join('; ');
    return new Problem(400, 'request-invalid', where);
  }
  const status = error.statusCode ?? 500;
  if (status === 429) return new Problem(429, 'too-many-attempts', error.message);
  if (status < 500) return new Problem(status, 'request-invalid', error.message);
  return new Problem(500, 'internal', 'the cloud failed to answer; try again');
}

/**
 * Whether a refusal is worth a line: somebody asked for what is not his, or for what cannot be. Not who asks for too much
 * (429): he would fill the log as fast as he sends, which the limiter keeps everybody else from.
 */
function isTold({ status }: Problem, { caller, routeOptions }: FastifyRequest): boolean {
  // Devices have no limiter before them, and what is refused of theirs for good is kept with its reason.
  if (routeOptions.config.opens === 'device-token') return false;
  return status === 400 || status === 403 || (status === 404 && caller !== null);
}

/** Refuses an address that holds a secret, whatever else is right about the request. */
export function demandNoSecret({ raw: { url = '' } }: Pick<FastifyRequest, 'raw'>): void {
  if (!holdsSecret(url)) return;
  throw new Problem(
    400,
    'token-in-url',
    'addresses are kept by proxies and logs on the way: send a token of a device in the header X-Auth-Token, one of the ' +
      'API in Authorization, and make another one in place of this, which may have been seen',
  );
}

/** Answers what is no address of this door, no faster than anything else. Its limiter has been registered. */
export function sendNothingThere(app: FastifyInstance): void {
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) => {
    demandNoSecret(request);
    send(reply, new Problem(404, 'not-found', 'there is nothing at this address'));
  });
}
