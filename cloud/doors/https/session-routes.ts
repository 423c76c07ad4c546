import { loginBody, problemReply, sessionCookie, sessionReply } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import type { Sessions } from '../../people/index.ts';
import { sessionCookieOptions, userOf } from './access.ts';
import { Problem } from './problem.ts';

/** Logins a minute that one address may try. */
const loginsPerMinute = 10;

/** `/api/v1/session`: log in, see who one is, log out. */
export function sessionRoutes(app: FastifyInstance, parts: { sessions: Sessions; log: Log }): void {
  const { sessions, log } = parts;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.post(
    '/api/v1/session',
    {
      config: { opens: 'public', rateLimit: { max: loginsPerMinute, timeWindow: '1 minute' } },
      schema: { body: loginBody, response: { 204: z.null(), '4xx': problemReply, '5xx': problemReply } },
    },
    async (request, reply) => {
      const { name, password } = request.body;
      const token = await sessions.open(name, password);
      if (token === undefined) {
        log.warn('login-refused', { from: request.ip });
        throw new Problem(401, 'unauthenticated', 'name and password do not fit each other');
      }
      log.info('login', { user: name, from: request.ip });
      return reply.setCookie(sessionCookie, token, sessionCookieOptions).status(204).send(null);
    },
  );

  routes.get(
    '/api/v1/session',
    {
      config: { opens: 'session.get' },
      schema: { response: { 200: sessionReply, '4xx': problemReply, '5xx': problemReply } },
    },
    (request) => {
      const { name, organisation, role } = userOf(request);
      return Promise.resolve({ name, organisation: organisation.id, role });
    },
  );

  routes.delete(
    '/api/v1/session',
    {
      config: { opens: 'public' },
      schema: { response: { 204: z.null(), '4xx': problemReply, '5xx': problemReply } },
    },
    async (request, reply) => {
      const token = request.cookies[sessionCookie];
      if (token !== undefined) await sessions.end(token);
      return reply.clearCookie(sessionCookie, sessionCookieOptions).status(204).send(null);
    },
  );
}
