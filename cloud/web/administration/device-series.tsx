import type { Device, Series } from '../api.ts';
import { formatCount } from '../format.ts';
import { seriesId, seriesKey, seriesTitle } from '../latest.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

/** Days that readings may be kept at most; 0 in the form stands for what the organisation says. */
const MOST_DAYS = 36_500;

/** The series of a device, and how long their readings are kept. */
export function DeviceSeries({
  api,
  organisation,
  item: device,
  may,
  kind,
}: Scene & { readonly kind: Device['kind'] }) {
  const stage = useStage();
  const list = useList(device, (after) => api.call('listSeries', { organisation, query: { device, after } }));
  const keep = (series: Series): void =>
    stage.ask({
      title: `How long is ${seriesTitle(series)} kept?`,
      text: 'What is older goes within a day or so, and for good; the account counts it as expired.',
      fields: {
        days: {
          kind: 'number',
          label: 'Days that its readings are kept',
          hint: '0: as long as the organisation keeps readings.',
          least: 0,
          most: MOST_DAYS,
          value: series.retentionDays ?? 0,
        },
      },
      act: 'Save',
      isDangerous: true,
      async run({ days }) {
        await api.call('patchSeries', {
          organisation,
          device,
          series: seriesId(series),
          body: { retentionDays: days === 0 ? null : days },
        });
        list.reload();
      },
    });

  return (
    <Panel title="Series" stage={stage}>
      <Listing
        title="Series"
        list={list}
        idOf={seriesKey}
        empty="It has delivered no readings yet."
        columns={[
          {
            title: 'Series',
            cell: (one) => (
              <>
                {seriesTitle(one)}{' '}
                {kind === 'gateway' && one.name !== null && <span class="tag">{seriesId(one)}</span>}
              </>
            ),
          },
          { title: 'Unit', cell: ({ unit }) => unit ?? '–' },
          { title: 'Readings', cell: ({ count }) => formatCount(count) },
          { title: 'Newest', cell: ({ latest }) => <Time at={latest?.time ?? null} /> },
          {
            title: 'Kept',
            cell: ({ retentionDays: days }) => (days === null ? 'as the organisation says' : keptFor(days)),
          },
        ]}
        actsOf={(one) => [may('retention.patch') && { label: 'Keep…', run: () => keep(one) }]}
      />
    </Panel>
  );
}

function keptFor(days: number): string {
  return days === 1 ? 'for 1 day' : `for ${formatCount(days)} days`;
}
