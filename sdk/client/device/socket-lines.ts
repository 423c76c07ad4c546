import { limits } from '../../contract/index.ts';
import type { Secret } from '../../platform/index.ts';
import { type LineReading, type SigningKey, writeSignedLine, writeTokenLine } from '../../socket/index.ts';
import { writeReadingsLine } from '../../telemetry/index.ts';
import type { Delivery } from './transport.ts';

/** What lines are signed with, or say. */
export type LineProof =
  | { readonly kind: 'signed'; readonly key: SigningKey }
  | { readonly kind: 'token'; readonly token: Secret };

/** One line of a delivery, without its end. */
export interface Line {
  /** What a reply names it by. */
  readonly id: string;
  readonly text: string;
  readonly readings: number;
}

/** Bytes of a line that are left to its readings: the rest is what proves it, what names it, and its end. */
const readingsBytes = limits.socketLineBytes - 256;
/** Counters that a delivery has to itself. A delivery has far fewer lines, and the cloud knows as many behind the highest. */
const countersOfDelivery = limits.socketCounterWindow;

/** A delivery as lines: the same ones under the same ids and counters, each time. */
export function linesOf({ number, key, readings }: Delivery, proof: LineProof): Line[] {
  return groupsOf(readings).map((group, index) => {
    if (proof.kind === 'token') {
      const id = `${key}.${index}`;
      return { id, text: writeTokenLine(proof.token.reveal(), group, id), readings: group.length };
    }
    const counter = number * countersOfDelivery + index;
    return { id: String(counter), text: writeSignedLine(proof.key, counter, group), readings: group.length };
  });
}

/** Readings by the line they go in. */
function groupsOf(readings: readonly LineReading[]): LineReading[][] {
  const groups: LineReading[][] = [];
  let room = 0;
  for (const reading of readings) {
    const bytes = Buffer.byteLength(writeReadingsLine([reading])) + 1;
    if (bytes > room) {
      groups.push([]);
      room = readingsBytes;
    }
    groups.at(-1)?.push(reading);
    room -= bytes;
  }
  return groups;
}
