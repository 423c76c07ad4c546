import {
  events,
  eventsQuery,
  eventsReply,
  gatewayParams,
  isEventCode,
  problemReply,
} from '@loadline/sdk/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Directory } from '../../router/index.ts';
import type { EventPlace, EventRow, Store } from '../../store/index.ts';
import { gatewayOf } from './gateway-routes.ts';

/** `/api/v1/gateways/:gateway/events`: what happened to a gateway and its sensors, the newest first. */
export function eventRoutes(app: FastifyInstance, parts: { store: Store; directory: Directory }): void {
  const { store, directory } = parts;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/api/v1/gateways/:gateway/events',
    {
      config: { opens: 'events.get' },
      schema: {
        params: gatewayParams,
        querystring: eventsQuery,
        response: { 200: eventsReply, '4xx': problemReply, '5xx': problemReply },
      },
    },
    async (request) => {
      const { number } = gatewayOf(directory, request, request.params.gateway, 'events.get');
      const { limit, before } = request.query;
      const page = await store.read('events', { gateway: number, limit, before: placeOf(before) });
      const { next } = page;
      return { events: page.events.map(describe), next: next ? `${next.placed}.${next.id}` : null };
    },
  );
}

function placeOf(before: string | undefined): EventPlace | undefined {
  const [placed, id] = (before?.split('.') ?? []).map(Number);
  return placed === undefined || id === undefined ? undefined : { placed, id };
}

function describe({ at, monotonic, epoch, number, code, subject, detail }: EventRow) {
  const { severity, meaning, act } = isEventCode(code)
    ? events[code]
    : { severity: null, meaning: null, act: null };
  const time = at === null ? null : new Date(at).toISOString();
  return { time, monotonicMs: monotonic, epoch, number, code, severity, meaning, act, subject, detail };
}
