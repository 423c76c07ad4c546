import type { Measurement, OtherFrame } from '@loadline/sdk/driver';

/** What a port's configuration expects to answer there. */
export interface Expectation {
  readonly bases: readonly number[] | undefined;
  readonly tags: readonly number[] | undefined;
}

/** What one frame says of the device it came from. Tags of neighbours are heard everywhere, so an unknown one says nothing. */
export type Verdict = 'expected' | 'foreign' | 'unsure';

/** Whether a frame comes from the device that is expected. A base address decides where one is configured. */
export function recognise({ bases, tags }: Expectation, content: Measurement | OtherFrame): Verdict {
  if (bases !== undefined) {
    if (bases.includes(content.base)) return 'expected';
    // A line of text has no base address: then the tags decide.
    if (content.base !== 0 || tags === undefined) return 'foreign';
  }
  if (tags === undefined) return 'expected';
  return content.kind === 'measurement' && tags.includes(content.tag) ? 'expected' : 'unsure';
}

/** Whether the first device at hand will do. */
export function expectsAny({ bases, tags }: Expectation): boolean {
  return bases === undefined && tags === undefined;
}

/** What is expected, in words. */
export function saidOf({ bases, tags }: Expectation): string {
  const said: string[] = [];
  if (bases !== undefined) said.push(`base station ${bases.join(' or ')}`);
  if (tags !== undefined) said.push(`tag ${tags.map(tagName).join(' or ')}`);
  return said.length === 0 ? 'any' : said.join(', ');
}

const tagName = (tag: number): string => tag.toString(16).toUpperCase().padStart(4, '0');
