import {
  problemReply,
  readingsQuery,
  readingsReply,
  type SeriesReply,
  seriesListReply,
  seriesParams,
  seriesReply,
} from '@loadline/sdk/contract';
import { correlation, linkQualityPercent, packetFlags, rssiDecibels, tagName } from '@loadline/sdk/t24';
import type { Quality } from '@loadline/sdk/telemetry';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Directory, Gateway } from '../../router/index.ts';
import type { PlacedReading, SeriesState, Store } from '../../store/index.ts';
import { userOf } from './access.ts';
import { gatewayOf } from './gateway-routes.ts';
import { Problem } from './problem.ts';

/** `/api/v1/series` and the readings of one: what is newest, and what was. */
export function seriesRoutes(app: FastifyInstance, parts: { store: Store; directory: Directory }): void {
  const { store, directory } = parts;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const problems = { '4xx': problemReply, '5xx': problemReply };

  routes.get(
    '/api/v1/series',
    { config: { opens: 'series.get' }, schema: { response: { 200: seriesListReply, ...problems } } },
    (request) => {
      const gateways = new Map(
        directory.gatewaysOf(userOf(request).organisation).map((gateway) => [gateway.number, gateway]),
      );
      const series = store.index
        .all()
        .flatMap((state) => {
          const gateway = gateways.get(state.gateway);
          return gateway === undefined ? [] : [describe(gateway, state)];
        })
        .sort((a, b) => (a.gateway + a.tag < b.gateway + b.tag ? -1 : 1));
      return Promise.resolve({ series });
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/series/:tag',
    {
      config: { opens: 'series.get' },
      schema: { params: seriesParams, response: { 200: seriesReply, ...problems } },
    },
    (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'series.get');
      const state = store.index.get(gateway.number, Number.parseInt(request.params.tag, 16));
      if (state === undefined) throw new Problem(404, 'not-found', 'no reading of this series is stored');
      return Promise.resolve(describe(gateway, state));
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/series/:tag/readings',
    {
      config: { opens: 'readings.get' },
      schema: {
        params: seriesParams,
        querystring: readingsQuery,
        response: { 200: readingsReply, ...problems },
      },
    },
    async (request) => {
      const { number } = gatewayOf(directory, request, request.params.gateway, 'readings.get');
      const [from, to] = [Date.parse(request.query.from), Date.parse(request.query.to)];
      if (from > to) throw new Problem(400, 'request-invalid', 'querystring/from: lies after to');
      const tag = Number.parseInt(request.params.tag, 16);
      const { points } = request.query;
      const range = await store.read('range', { gateway: number, tag, from, to, points });
      return {
        ...range,
        points: range.points.map(([time, value]): [number, number | null] => [time, value]),
      };
    },
  );
}

function describe(gateway: Gateway, { tag, count, latest }: SeriesState): SeriesReply {
  const sensor = gateway.reported?.sensors.find((one) => one.tag === tag);
  return {
    gateway: gateway.id,
    tag: tagName(tag),
    name: sensor?.name ?? null,
    unit: sensor?.unit ?? null,
    intervalSeconds: sensor?.intervalSeconds ?? null,
    simulated: sensor?.simulated ?? false,
    count,
    latest: latest === undefined ? null : describeReading(latest),
  };
}

function describeReading({ time, value, flags, status, quality }: PlacedReading): SeriesReply['latest'] {
  return {
    time: new Date(time).toISOString(),
    value,
    batteryLow: (flags & packetFlags.batteryLow) !== 0,
    error: (flags & packetFlags.error) !== 0,
    status,
    quality: describeQuality(quality),
  };
}

function describeQuality(quality: Quality) {
  if (quality.kind !== 'radio') return quality;
  const { rssi, cv } = quality;
  return {
    kind: 'radio' as const,
    rssiDecibels: rssiDecibels(rssi),
    correlation: correlation(cv),
    percent: Math.round(linkQualityPercent(rssi, cv)),
  };
}
