import {
  gatewayParams,
  gatewaysReply,
  type HealthMessage,
  ledgerQuery,
  ledgerReply,
  newGatewayBody,
  newGatewayReply,
  problemReply,
  runParams,
  runReply,
} from '@loadline/sdk/contract';
import { tagName } from '@loadline/sdk/t24';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Scope } from '../../access/index.ts';
import type { Enrolments } from '../../people/index.ts';
import type { Directory, Gateway } from '../../router/index.ts';
import { type Store, step } from '../../store/index.ts';
import { demand, userOf } from './access.ts';
import { Problem } from './problem.ts';

/** The gateway a request names, where its user may do `scope` to it. */
export function gatewayOf(directory: Directory, request: FastifyRequest, id: string, scope: Scope): Gateway {
  const gateway = directory.gateway(id);
  if (gateway === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
  demand(userOf(request), scope, { organisation: gateway.organisation, gateway: id });
  return gateway;
}

/** `/api/v1/gateways`: take them in, list them, and read their accounts. */
export function gatewayRoutes(
  app: FastifyInstance,
  parts: { store: Store; directory: Directory; enrolments: Enrolments; connected: () => ReadonlySet<string> },
): void {
  const { store, directory, enrolments, connected } = parts;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const problems = { '4xx': problemReply, '5xx': problemReply };

  routes.get(
    '/api/v1/gateways',
    { config: { opens: 'gateways.get' }, schema: { response: { 200: gatewaysReply, ...problems } } },
    (request) => {
      const up = connected();
      const gateways = directory.gatewaysOf(userOf(request).organisation).map(({ id, reported }) => ({
        id,
        connected: up.has(id),
        runtime: reported?.runtime ?? null,
      }));
      return Promise.resolve({ gateways });
    },
  );

  routes.post(
    '/api/v1/gateways',
    {
      config: { opens: 'gateways.create' },
      schema: { body: newGatewayBody, response: { 201: newGatewayReply, ...problems } },
    },
    async (request, reply) => {
      const { id } = request.body;
      const { organisation } = userOf(request);
      await store.change({ steps: [step('addGateway', { id, organisation: organisation.id })], audit: [] });
      await directory.reload();
      // An id that another organisation has taken is answered like one that cannot be had at all.
      const gateway = directory.gateway(id);
      if (gateway?.organisation.id !== organisation.id) {
        throw new Problem(409, 'request-invalid', `the id ${id} cannot be had: choose another`);
      }
      return reply.status(201).send({ id, enrolmentSecret: await enrolments.offer(id) });
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/ledger',
    {
      config: { opens: 'ledger.get' },
      schema: {
        params: gatewayParams,
        querystring: ledgerQuery,
        response: { 200: ledgerReply, ...problems },
      },
    },
    async (request) => {
      const { number } = gatewayOf(directory, request, request.params.gateway, 'ledger.get');
      const ledger = await store.read('ledger', { gateway: number, limit: request.query.epochs });
      if (ledger === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
      const epochs = ledger.epochs.map((epoch) => ({
        ...epoch,
        received: [...epoch.received],
        gaps: [...epoch.gaps],
        health: epoch.health ?? null,
      }));
      return { ...ledger, epochs };
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/runs/:epoch',
    {
      config: { opens: 'ledger.get' },
      schema: { params: runParams, response: { 200: runReply, ...problems } },
    },
    async (request) => {
      const { gateway, epoch } = request.params;
      const { number } = gatewayOf(directory, request, gateway, 'ledger.get');
      const run = await store.read('run', { gateway: number, epoch });
      if (run === undefined) throw new Problem(404, 'not-found', 'nothing of this epoch has been stored');
      const { health, series, ...counts } = run;
      return {
        ...counts,
        ...framesOf(health),
        series: series.map((one) => ({ ...one, tag: tagName(one.tag) })),
        health: health ?? null,
      };
    },
  );
}

function framesOf(health: HealthMessage | undefined) {
  return {
    frames: health?.frames ?? 0,
    discardedBytes: health?.ports.reduce((sum, port) => sum + port.discardedBytes, 0) ?? 0,
    readings: health?.readings ?? 0,
  };
}
