import { bestOfEach, type HeardTag, heardTable } from './signal.ts';

/** A list of sensors that grows while somebody picks from it. */
export interface Picker {
  /** As they were last heard, sorted by tag. */
  readonly heard: readonly HeardTag[];
  readonly picked: ReadonlySet<string>;
  /** The tag that the keys act on; undefined while nothing is heard. */
  readonly at: string | undefined;
  readonly state: 'picking' | 'done' | 'cancelled';
  /** Whether there may be more than the gateway tells of. */
  readonly isCut: boolean;
}

export const emptyPicker: Picker = {
  heard: [],
  picked: new Set(),
  at: undefined,
  state: 'picking',
  isCut: false,
};

/** As many as one message names: a gateway that hears more tells of those heard last. */
const mostTold = 256;

/** What is heard now: rows stay where they are by their tag, and so does what is picked. */
export function hearing(picker: Picker, tags: readonly HeardTag[]): Picker {
  const heard = bestOfEach(tags);
  const at = heard.some(({ tag }) => tag === picker.at) ? picker.at : heard[0]?.tag;
  return { ...picker, heard, at, isCut: tags.length >= mostTold };
}

/** A key as `node:readline` names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/** After a key: arrows move, space picks, `a` picks all or none, enter ends, Ctrl-C and escape cancel. */
export function pressed(picker: Picker, { name, ctrl }: Key): Picker {
  const { heard, at, picked } = picker;
  const index = heard.findIndex(({ tag }) => tag === at);
  const moved = (by: number): Picker => ({
    ...picker,
    at: heard[Math.min(heard.length - 1, Math.max(0, index + by))]?.tag,
  });
  switch (ctrl ? `ctrl-${name}` : name) {
    case 'up':
    case 'k':
      return moved(-1);
    case 'down':
    case 'j':
      return moved(1);
    case 'space':
      return at === undefined ? picker : { ...picker, picked: toggled(picked, at) };
    case 'a': {
      const all = heard.map(({ tag }) => tag);
      return { ...picker, picked: new Set(all.every((tag) => picked.has(tag)) ? [] : all) };
    }
    case 'return':
    case 'enter':
      return { ...picker, state: 'done' };
    case 'escape':
    case 'ctrl-c':
      return { ...picker, state: 'cancelled' };
    default:
      return picker;
  }
}

function toggled(all: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const changed = new Set(all);
  if (!changed.delete(one)) changed.add(one);
  return changed;
}

/** Lines of the terminal that are no rows: the head, the last line, and where the cursor stands. */
const others = 3;

/** The picker as lines for a terminal of that size; of more sensors than it has rows, those around the pointer. */
export function picture(picker: Picker, width: number, height = Number.POSITIVE_INFINITY): string[] {
  const { heard, picked, at } = picker;
  const help = 'space picks, a all, enter goes on; it goes on listening';
  if (heard.length === 0) return ['listening: nothing is heard yet', help];
  const rows = Math.max(1, height - others);
  const index = heard.findIndex(({ tag }) => tag === at);
  const first = Math.max(0, Math.min(index - Math.floor(rows / 2), heard.length - rows));
  const mark = ({ tag }: HeardTag) => `${tag === at ? '>' : ' '} ${picked.has(tag) ? '[x]' : '[ ]'} `;
  const table = heardTable(heard.slice(first, first + rows), { mark, width });
  const last = picker.isCut ? ` last (there are more: only the ${mostTold} heard last are told)` : '';
  return [...table, `${heard.length} heard${last}, ${picked.size} picked; ${help}`];
}
