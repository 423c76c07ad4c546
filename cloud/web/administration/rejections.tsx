import type { ItemOf } from '../api.ts';
import { formatCount } from '../format.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { asSentence, inWords, timeInWords } from '../words.ts';
import { Panel } from './panel.tsx';
import { readPayload } from './payload.ts';
import type { Scene } from './scene.ts';

type Rejection = ItemOf<'listRejections'>;

/** What a device delivered that was refused for good: why, and as it came. */
export function Rejections({ api, organisation, item: device, may }: Scene) {
  const stage = useStage();
  const list = useList(device, (after) =>
    api.call('listRejections', { organisation, device, query: { after } }),
  );
  const look = async ({ id, code, detail, keptUntil }: Rejection): Promise<void> => {
    const title = 'Rejected delivery';
    try {
      const { payload } = await api.call('getRejection', { organisation, device, rejection: id });
      const { shown, left } = readPayload(payload);
      stage.tell(
        title,
        <>
          <p>
            {asSentence(detail)} <span class="badge is-bad">{code}</span>
          </p>
          <pre class="payload">{shown}</pre>
          <p class="muted">
            {left > 0 && `${formatCount(left)} more bytes are not shown. `}
            Kept until {timeInWords(keptUntil)} at the latest.
          </p>
        </>,
      );
    } catch (error) {
      stage.tell(title, inWords(error));
    }
  };

  return (
    <Panel
      title="Rejected deliveries"
      text="Refused for good: to send them again as they are cannot help."
      stage={stage}
    >
      <Listing
        title="Rejected deliveries"
        list={list}
        idOf={({ id }) => id}
        empty="None is kept."
        columns={[
          {
            title: 'Why',
            cell: ({ code, detail }) => (
              <>
                {code}
                <br />
                <span class="muted">{detail}</span>
              </>
            ),
          },
          { title: 'When', cell: ({ at }) => <Time at={at} /> },
          { title: 'As', cell: ({ channel }) => channel },
          { title: 'Bytes', cell: ({ bytes }) => formatCount(bytes) },
        ]}
        actsOf={(one) => [may('rejection.get') && { label: 'Look', run: () => void look(one) }]}
      />
    </Panel>
  );
}
