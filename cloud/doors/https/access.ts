import { sessionCookie } from '@loadline/sdk/contract';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { may, type Principal, type Resource, type Scope } from '../../access/index.ts';
import type { Sessions } from '../../people/index.ts';
import { Problem } from './problem.ts';

/** The session cookie is sent to this host only, over TLS only, and never readable by a script. */
export const sessionCookieOptions = {
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'strict',
} as const;

export type User = Extract<Principal, { kind: 'user' }>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What opens the route: a scope, or nothing (`public`). A route that says neither does not start. */
    opens?: Scope | 'public';
  }
  interface FastifyRequest {
    user: User | null;
  }
}

/** Puts the decision before every route: whoever has no session, or not its scope, gets no further. */
export function guardRoutes(app: FastifyInstance, sessions: Sessions): void {
  app.decorateRequest('user', null);
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  app.addHook('onReady', () => {
    const silent = routes.find(({ config }) => config?.opens === undefined);
    if (silent === undefined) return Promise.resolve();
    throw new Error(`${silent.method} ${silent.url} does not say what opens it`);
  });
  // After `onRequest`, where the limit of requests is: who is over it costs no look into the store.
  app.addHook('preParsing', async (request) => {
    const opens = request.routeOptions.config.opens;
    if (opens === undefined || opens === 'public') return;
    const token = request.cookies[sessionCookie];
    request.user = (token && (await sessions.principal(token))) || null;
    const user = userOf(request);
    demand(user, opens, { organisation: user.organisation });
  });
}

/** The user a guarded route is run for. */
export function userOf(request: FastifyRequest): User {
  if (request.user === null) throw new Problem(401, 'unauthenticated', 'log in at POST /api/v1/session');
  return request.user;
}

/** Throws the problem where the principal may not do this to that. */
export function demand(principal: Principal, scope: Scope, resource: Resource): void {
  const decision = may(principal, scope, resource);
  if (decision.allowed) return;
  if (decision.code === 'not-found') throw new Problem(404, 'not-found', 'there is no such thing');
  throw new Problem(403, 'forbidden', `this needs the scope ${scope}`);
}
