import type { FastifyInstance, RouteOptions } from 'fastify';

/** Keeps the process from starting with a route that does not say what opens it. */
export function demandOpenings(app: FastifyInstance): void {
  app.decorateRequest('caller', null);
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  app.addHook('onReady', () => {
    const silent = routes.find(({ config }) => config?.opens === undefined);
    if (silent === undefined) return Promise.resolve();
    throw new Error(`${silent.method} ${silent.url} does not say what opens it`);
  });
}
