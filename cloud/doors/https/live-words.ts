import { tagName } from '@loadline/sdk/t24';
import type { LiveSeries } from '../../router/index.ts';

/** Characters of one event at most, where it is not of a single series: the SDK's client takes events of four times as many. */
const eventCharacters = 1024 * 1024;

/** Characters of all events that are written at a time. */
const burstCharacters = 8 * 1024 * 1024;

/** Live readings as server-sent events; and what does not go into them, because it would be too much at a time. */
export function inEvents(series: readonly LiveSeries[]): {
  readonly events: readonly string[];
  readonly left: readonly LiveSeries[];
} {
  const events: string[] = [];
  const left: LiveSeries[] = [];
  let words: string[] = [];
  let [inEvent, inAll] = [0, 0];
  const close = () => {
    if (words.length > 0) events.push(`event: readings\ndata: [${words.join(',')}]\n\n`);
    words = [];
    inEvent = 0;
  };
  for (const one of series) {
    const said = wordsOf(one);
    if (inAll > 0 && inAll + said.length > burstCharacters) {
      left.push(one);
      continue;
    }
    if (inEvent + said.length > eventCharacters) close();
    words.push(said);
    inEvent += said.length;
    inAll += said.length;
  }
  close();
  return { events, left };
}

const known = new WeakMap<LiveSeries, string>();

/** Each is put into words once, however many follow. */
function wordsOf(series: LiveSeries): string {
  const made = known.get(series) ?? describe(series);
  known.set(series, made);
  return made;
}

function describe({ device, tag, name, unit, aspect, points, skipped }: LiveSeries): string {
  return JSON.stringify({
    device,
    tag: tagName(tag),
    ...(name !== null && { name }),
    ...(unit !== null && { unit }),
    aspect,
    points,
    ...(skipped > 0 && { skipped }),
  });
}
