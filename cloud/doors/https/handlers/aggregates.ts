import { mostBuckets } from '@loadline/sdk/api';
import { bucketsOf, isTimeZone } from '../../../calendar/index.ts';
import type { Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import { seriesOf } from './series-named.ts';

/** Series by the buckets of a calendar. */
export function aggregateHandlers({ store }: { store: Store }): Pick<Handlers, 'getAggregates'> {
  return {
    async getAggregates({ input, device }) {
      const { by, zone } = input.query;
      const [from, to] = [Date.parse(input.query.from), Date.parse(input.query.to)];
      if (from > to) throw new Problem(400, 'request-invalid', 'querystring/from: lies after to');
      if (!isTimeZone(zone)) {
        throw new Problem(400, 'request-invalid', 'querystring/zone: no time zone of the IANA database');
      }
      const bounds = bucketsOf({ from, to }, by, zone, mostBuckets);
      if (bounds === undefined) {
        const detail = `querystring/by: more than ${mostBuckets} buckets; ask for larger ones, or a shorter time`;
        throw new Problem(400, 'request-invalid', detail);
      }
      const series = seriesOf(device, input.series);
      const buckets = await store.aggregates({ device: device.number, ...series, bounds });
      return { buckets: buckets.map((one) => ({ ...one, from: isoTime(one.from), to: isoTime(one.to) })) };
    },
  };
}
