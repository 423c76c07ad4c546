import { tagName } from '../t24/index.ts';
import { type Aspect, aspects } from './reading.ts';

/** A series of one device: an aspect of a tag, or of the number that stands for a name. */
export interface SeriesOfTag {
  readonly tag: number;
  readonly aspect: Aspect;
}

/** What a series is called where it has one name: `25DF` as heard, `25DF.mean` another aspect. */
export function seriesName({ tag, aspect }: SeriesOfTag): string {
  return aspect === 'heard' ? tagName(tag) : `${tagName(tag)}.${aspect}`;
}

/** The series of a name; undefined for anything `seriesName` does not give. */
export function parseSeriesName(name: string): SeriesOfTag | undefined {
  const [, digits = '', suffix = 'heard'] = /^([0-9A-F]{4})(?:\.([a-z]+))?$/.exec(name) ?? [];
  const aspect = aspects.find((one) => one === suffix);
  if (digits === '' || aspect === undefined) return undefined;
  const series = { tag: Number.parseInt(digits, 16), aspect };
  return seriesName(series) === name ? series : undefined;
}
