import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Blocks, EndOfBlock, NamedBlock } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import { visitorOf } from './visitor.ts';

/** What the guard holds back. */
export function blockHandlers({
  blocks,
}: {
  blocks: Blocks;
}): Pick<Handlers, 'listBlocks' | 'deleteBlock' | 'listFleetBlocks' | 'deleteFleetBlock'> {
  const page = (named: readonly NamedBlock[], query: { limit: number; after?: string | undefined }) =>
    pageOf(named.map(describe), query, ({ id }) => id);
  return {
    async listBlocks({ standing, input: { query } }) {
      return page(await blocks.of(standing.organisation.id, standing), query);
    },

    async deleteBlock(call) {
      const among = await blocks.of(call.standing.organisation.id, call.standing);
      demandEnded(await blocks.end(among, call.input.block, visitorOf(call)));
    },

    async listFleetBlocks({ input: { query } }) {
      return page(await blocks.ofFleet(), query);
    },

    async deleteFleetBlock(call) {
      demandEnded(await blocks.end(await blocks.ofFleet(), call.input.block, visitorOf(call)));
    },
  };
}

function describe({ block, subject }: NamedBlock): ReplyOf<Operations['listBlocks']>['items'][number] {
  return {
    id: block.id,
    kind: block.subject?.kind ?? 'source',
    by: block.kind,
    subject,
    sources: block.source === undefined ? [...block.sources] : [block.source],
    failures: block.failures,
    since: isoTime(block.since),
    last: isoTime(block.last),
    until: block.until === null ? null : isoTime(block.until),
  };
}

function demandEnded(end: EndOfBlock): void {
  switch (end) {
    case 'ended':
      return;
    case 'not-found':
      throw new Problem(404, 'not-found', 'there is no such block, or it has ended already');
    case 'more-than-own':
      throw new Problem(
        403,
        'more-than-own',
        'this account is something outside your organisation too: a fleet operator can end its block',
      );
  }
}
