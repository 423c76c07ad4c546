import type { SeriesReply } from '@loadline/sdk/api';
import { correlation, linkQualityPercent, packetFlags, rssiDecibels, tagName } from '@loadline/sdk/t24';
import { aspects, type Calibration, physical, type Quality, seriesName } from '@loadline/sdk/telemetry';
import { reachesDevice, reachesTag } from '../../../access/index.ts';
import type { Retention } from '../../../retention/index.ts';
import type { Device, Directory } from '../../../router/index.ts';
import type { PlacedReading, SeriesState, Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { seriesOf } from './series-named.ts';

/** Series and the readings of one: what is newest, and what was. */
export function seriesHandlers({
  store,
  directory,
  retention,
}: {
  store: Store;
  directory: Directory;
  retention: Retention;
}): Pick<Handlers, 'listSeries' | 'getSeries' | 'patchSeries' | 'getReadings'> {
  const describe = (device: Device, state: SeriesState): SeriesReply => ({
    ...describeSeries(device, state),
    retentionDays: retention.daysOf(state),
  });
  return {
    listSeries({ input: { query }, standing }) {
      const { organisation, reach } = standing;
      const devices = new Map(
        directory
          .devicesOf(organisation)
          .filter((one) => reachesDevice(reach, one) && (query.device ?? one.id) === one.id)
          .map((one) => [one.number, one]),
      );
      const series = store.index.all().flatMap((state) => {
        const device = devices.get(state.device);
        return device === undefined || !reachesTag(reach, state.tag) ? [] : [describe(device, state)];
      });
      return pageOf(
        series.sort(byName),
        query,
        ({ device, tag, aspect }) => `${device} ${tag} ${aspects.indexOf(aspect)}`,
      );
    },

    getSeries({ input, device }) {
      const { tag, aspect } = seriesOf(device, input.series);
      const state = store.index.get(device.number, tag, aspect);
      if (state === undefined) throw new Problem(404, 'not-found', 'no reading of this series is stored');
      return describe(device, state);
    },

    async patchSeries({ input, device, entry }) {
      const series = seriesOf(device, input.series);
      const state = store.index.get(device.number, series.tag, series.aspect);
      if (state === undefined) throw new Problem(404, 'not-found', 'no reading of this series is stored');
      const { retentionDays } = input.body;
      const target = { kind: 'series', id: `${device.id} ${seriesName(series)}` };
      const before = { retentionDays: retention.daysOf(state) };
      await retention.keep(state, retentionDays, entry({ target, before, after: { retentionDays } }));
      return describe(device, state);
    },

    async getReadings({ input, device }) {
      const { points, ...query } = input.query;
      const [from, to] = [Date.parse(query.from), Date.parse(query.to)];
      if (from > to) throw new Problem(400, 'request-invalid', 'querystring/from: lies after to');
      const series = seriesOf(device, input.series);
      const range = await store.read('range', { device: device.number, ...series, from, to, points });
      return {
        ...range,
        points: range.points.map(([time, value]): [number, number | null] => [time, value]),
      };
    },
  };
}

function byName(a: SeriesReply, b: SeriesReply): number {
  if (a.device !== b.device) return a.device < b.device ? -1 : 1;
  if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
  return aspects.indexOf(a.aspect) - aspects.indexOf(b.aspect);
}

function describeSeries(
  device: Device,
  { tag, aspect, count, latest }: SeriesState,
): Omit<SeriesReply, 'retentionDays'> {
  const sensor = device.reported?.sensors.find((one) => one.tag === tag);
  const channel = device.channels.numbered(tag);
  return {
    device: device.id,
    tag: tagName(tag),
    aspect,
    name: channel?.name ?? sensor?.name ?? null,
    unit: channel?.unit ?? sensor?.unit ?? null,
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
