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
import { aspects, type Calibration, parseSeriesName, physical, type Quality } from '@loadline/sdk/telemetry';
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
        .sort(byName);
      return Promise.resolve({ series });
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/series/:series',
    {
      config: { opens: 'series.get' },
      schema: { params: seriesParams, response: { 200: seriesReply, ...problems } },
    },
    (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'series.get');
      const { tag, aspect } = seriesOf(request.params.series);
      const state = store.index.get(gateway.number, tag, aspect);
      if (state === undefined) throw new Problem(404, 'not-found', 'no reading of this series is stored');
      return Promise.resolve(describe(gateway, state));
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/series/:series/readings',
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
      const { points } = request.query;
      const series = seriesOf(request.params.series);
      const range = await store.read('range', { gateway: number, ...series, from, to, points });
      return {
        ...range,
        points: range.points.map(([time, value]): [number, number | null] => [time, value]),
      };
    },
  );
}

function byName(a: SeriesReply, b: SeriesReply): number {
  if (a.gateway !== b.gateway) return a.gateway < b.gateway ? -1 : 1;
  if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
  return aspects.indexOf(a.aspect) - aspects.indexOf(b.aspect);
}

function seriesOf(name: string): Pick<SeriesState, 'tag' | 'aspect'> {
  const series = parseSeriesName(name);
  if (series === undefined) throw new Problem(404, 'not-found', 'there is no such series');
  return series;
}

function describe(gateway: Gateway, { tag, aspect, count, latest }: SeriesState): SeriesReply {
  const sensor = gateway.reported?.sensors.find((one) => one.tag === tag);
  return {
    gateway: gateway.id,
    tag: tagName(tag),
    aspect,
    name: sensor?.name ?? null,
    unit: sensor?.unit ?? null,
    intervalSeconds: sensor?.intervalSeconds ?? null,
    simulated: sensor?.simulated ?? false,
    count,
    latest: latest === undefined ? null : describeReading(latest),
  };
}

type Latest = NonNullable<SeriesReply['latest']>;

function describeReading(reading: PlacedReading): Latest {
  const { time, value, calibration, flags, status, quality } = reading;
  return {
    time: new Date(time).toISOString(),
    value: calibration === null ? value : physicalValue(value, calibration),
    calibrated: calibration && { raw: value, ...calibration },
    batteryLow: (flags & packetFlags.batteryLow) !== 0,
    error: (flags & packetFlags.error) !== 0,
    status,
    quality: describeQuality(quality),
  };
}

/** What is no number has no calibration to go by, and stays as it is. */
function physicalValue(value: Latest['value'], calibration: Calibration): Latest['value'] {
  if (!('value' in value) || typeof value.value !== 'number') return value;
  const number = physical(value.value, calibration);
  if (Number.isFinite(number)) return { type: 'float64', value: number };
  return { type: 'nonFinite', bits: number > 0 ? '7f800000' : 'ff800000' };
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
