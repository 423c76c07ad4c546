import { type Code, codes } from '@loadline/sdk/contract';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Log } from '../../log.ts';

/** A refusal on its way to the client as problem details (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  readonly code: Code;

  constructor(status: number, code: Code, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, code, message: detail } = problem;
  const body = { type: `urn:loadline:problem:${code}`, title: codes[code], status, detail, code };
  return reply.status(status).type('application/problem+json').serializer(JSON.stringify).send(body);
}

/** Makes every error of a route a problem; what nobody foresaw is logged, and shown without its inside. */
export function sendProblems(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply) => {
    send(reply, new Problem(404, 'not-found', 'there is nothing at this address'));
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Problem) return send(reply, error);
    if (hasZodFastifySchemaValidationErrors(error)) {
      const where = error.validation.map((one) => `${one.instancePath || '/'}: ${one.message}`).join('; ');
      return send(reply, new Problem(400, 'request-invalid', where));
    }
    const status = error.statusCode ?? 500;
    if (status === 429) return send(reply, new Problem(429, 'too-many-attempts', error.message));
    if (status < 500) return send(reply, new Problem(status, 'request-invalid', error.message));
    log.error('request-failed', { route: request.routeOptions.url, reason: error.message });
    return send(reply, new Problem(500, 'internal', 'the cloud failed to answer; try again'));
  });
}
