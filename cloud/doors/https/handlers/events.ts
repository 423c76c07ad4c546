import { events, isEventCode } from '@loadline/sdk/contract';
import type { EventPlace, EventRow, Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';

/** What happened to a device and its sensors, the newest first. */
export function eventHandlers({ store }: { store: Store }): Pick<Handlers, 'listEvents'> {
  return {
    async listEvents({ input: { query }, device, standing }) {
      // What is told of the whole device is not for who may see some of its tags only.
      if (standing.reach.tags !== null)
        throw new Problem(403, 'forbidden', 'events are of whole devices, and this is limited to tags');
      const { limit, after } = query;
      const page = await store.read('events', { device: device.number, limit, before: placeOf(after) });
      const { next } = page;
      return { items: page.events.map(describe), next: next ? `${next.placed}.${next.id}` : null };
    },
  };
}

function placeOf(after: string | undefined): EventPlace | undefined {
  if (after === undefined) return undefined;
  const [, placed, id] = /^(\d{1,15})\.(\d{1,15})$/.exec(after) ?? [];
  if (placed !== undefined && id !== undefined) return { placed: Number(placed), id: Number(id) };
  throw new Problem(
    400,
    'request-invalid',
    'querystring/after: not the place of an event; take it from `next`',
  );
}

function describe({ at, monotonic, epoch, number, code, subject, detail }: EventRow) {
  const { severity, meaning, act } = isEventCode(code)
    ? events[code]
    : { severity: null, meaning: null, act: null };
  const time = at === null ? null : new Date(at).toISOString();
  return { time, monotonicMs: monotonic, epoch, number, code, severity, meaning, act, subject, detail };
}
