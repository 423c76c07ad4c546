import { limits } from '../contract/index.ts';
import { malformedReadings, TelemetryError } from './errors.ts';

/** Values within values: a list, its records, and something of its own in an unknown member. */
const deepest = 8;

/** Marks of JSON that stand outside texts. */
const marks = { quote: 0x22, escape: 0x5c, colon: 0x3a, open: [0x7b, 0x5b], close: [0x7d, 0x5d] } as const;

/** A JSON text that was parsed, and how many members each object had that stands at one depth, in their order. */
export interface ParsedJson {
  readonly value: unknown;
  /** Members as they were written: one named twice counts twice. */
  readonly members: readonly number[];
}

/**
 * Parses UTF-8 JSON of readings. Before anything is made of it, its depth is bounded, and so are the objects at `depth`
 * (1: the outermost) and their members: no more than readings may be. What JSON itself says of two members of one name is
 * that nobody knows: of two readings one would be gone without a word, so `members` tells.
 *
 * @throws {TelemetryError} `readings-malformed`, `readings-limit`
 */
export function parseJson(body: Uint8Array, depth: 1 | 2): ParsedJson {
  const members = countMembers(body, depth);
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), members };
  } catch (error) {
    throw malformedReadings(`not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** Counts by the marks alone; where the text is no JSON the count means nothing, and is bounded all the same. */
function countMembers(body: Uint8Array, depth: number): number[] {
  const members: number[] = [];
  let level = 0;
  let objects = 0;
  let inObject = false;
  let all = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === marks.quote) at = endOfText(body, at);
    else if (byte === marks.open[0] || byte === marks.open[1]) {
      if (++level > deepest) throw malformedReadings(`values are nested deeper than ${deepest}`);
      if (level !== depth) continue;
      inObject = byte === marks.open[0];
      if (inObject) objects = members.push(0);
    } else if (byte === marks.close[0] || byte === marks.close[1]) level -= 1;
    else if (byte === marks.colon && level === depth && inObject) {
      members[objects - 1] = (members[objects - 1] as number) + 1;
      all += 1;
    } else continue;
    const most = depth === 1 ? all : objects;
    if (most > limits.batchEntries) {
      throw new TelemetryError('readings-limit', `more than ${limits.batchEntries} readings in one delivery`);
    }
  }
  return members;
}

/** Where the text ends that begins at `start`: its closing quote. */
function endOfText(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === marks.escape) at += 1;
    else if (body[at] === marks.quote) return at;
  }
  return body.length;
}
