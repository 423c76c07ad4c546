// A status that nothing is declared for would be sent as it is, whatever is in it.
import fastify, { type RouteOptions } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bindOperations } from './bind.ts';

const test = suite('answers with a status of their own');

/** The routes of the API, as the door makes them. */
function routesOf(app: ReturnType<typeof fastify>): RouteOptions[] {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route: RouteOptions) => {
    routes.push(route);
  });
  const nobody = {} as unknown as Parameters<typeof bindOperations>[1];
  bindOperations(app as unknown as Parameters<typeof bindOperations>[0], nobody);
  return routes;
}

test('every operation declares what its refusals and its failures may hold', () => {
  const routes = routesOf(fastify());
  assert.ok(routes.length > 100, `${routes.length} routes`);
  for (const { method, url, schema } of routes) {
    const declared = Object.keys((schema?.response ?? {}) as object);
    for (const kind of ['4xx', '5xx']) assert.ok(declared.includes(kind), `${method} ${url}: ${kind}`);
  }
});

test('and of a refusal nothing else is sent', async () => {
  const app = fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const [declared] = routesOf(fastify());
  app.get('/refused', { schema: { response: declared?.schema?.response } }, (_, reply) =>
    reply
      .status(409)
      .send({ type: 'about:blank', title: 'refused', status: 409, code: 'conflict', secret: 'leaks' }),
  );
  const { body } = await app.inject('/refused');
  assert.not.match(body, 'leaks');
});

test.run();
