import type { News } from '@loadline/sdk/provisioning';
import { linkQualityPercent, rssiDecibels } from '@loadline/sdk/t24';
import { inColumns } from '../cloud/columns.ts';

export type HeardTag = News<'heard'>['tags'][number];

/** Radio quality in percent; null where the driver has none. The codec wants the byte of which `rssi` is the decibels. */
export function qualityPercent({ rssi, cv }: Pick<HeardTag, 'rssi' | 'cv'>): number | null {
  if (rssi === null || cv === null) return null;
  return Math.round(linkQualityPercent((Math.round(rssi) - rssiDecibels(0)) & 0xff, cv));
}

/** Least percents of what a signal is called. */
const words = [
  [75, 'very good'],
  [50, 'good'],
  [25, 'fair'],
  [1, 'poor'],
  [0, 'unusable'],
] as const;

/** A signal in words and numbers. */
export function signalText(tag: Pick<HeardTag, 'rssi' | 'cv'>): string {
  const percent = qualityPercent(tag);
  if (percent === null) return tag.rssi === null ? 'not known' : `${tag.rssi} dBm`;
  const [, word] = words.find(([least]) => percent >= least) ?? words[4];
  return `${word}, ${percent} % (${tag.rssi} dBm, CV ${(tag.cv ?? 0) & 0x7f})`;
}

/** One that is heard on several ports, or by several base stations, is one sensor: the best of them is shown. */
export function bestOfEach(tags: readonly HeardTag[]): HeardTag[] {
  const best = new Map<string, HeardTag>();
  for (const tag of tags) {
    const known = best.get(tag.tag);
    if (known === undefined || (qualityPercent(tag) ?? -1) > (qualityPercent(known) ?? -1))
      best.set(tag.tag, tag);
  }
  return [...best.values()].sort((one, other) => (one.tag < other.tag ? -1 : 1));
}

const head = ['tag', 'value', 'signal', 'battery', 'heard', 'frames', 'on'];

/** What is heard as a table; `mark` says what stands before each tag. */
export function heardTable(
  tags: readonly HeardTag[],
  { mark = () => '', width }: { readonly mark?: (tag: HeardTag) => string; readonly width?: number } = {},
): string[] {
  const rows = tags.map((tag) => [
    `${mark(tag)}${tag.tag}`,
    tag.value,
    signalText(tag),
    tag.lowBattery ? 'LOW' : 'ok',
    tag.secondsAgo < 2 ? 'now' : `${Math.round(tag.secondsAgo)} s ago`,
    String(tag.frames),
    tag.base === null || tag.base === 0 ? tag.port : `${tag.port}, base ${tag.base}`,
  ]);
  return inColumns(head, rows, width).split('\n');
}
