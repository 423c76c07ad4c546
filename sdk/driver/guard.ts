import type { Value } from '../t24/index.ts';
import type { Quality } from '../telemetry/index.ts';
import type { Decoded, Decoder, Measurement, OtherFrame } from './driver.ts';

/** Most bytes a decoder may hold back: enough for any line, and no leak. */
export const maxHeldBytes = 65_536;
/** Most bytes of a string or binary value: what a T24 packet can carry. */
const maxValueBytes = 64;

const whole = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

function valueProblem(value: Value | undefined): string | undefined {
  const number = (value as { value?: unknown } | undefined)?.value;
  switch (value?.type) {
    case 'none':
      return undefined;
    case 'uint8':
      return whole(number, 0, 0xff) ? undefined : 'value.value must be a whole number 0..255';
    case 'uint16':
      return whole(number, 0, 0xffff) ? undefined : 'value.value must be a whole number 0..65535';
    case 'int32':
      return whole(number, -(2 ** 31), 2 ** 31 - 1) ? undefined : 'value.value must be a 32-bit whole number';
    case 'float32':
      return typeof number === 'number' && Number.isFinite(Math.fround(number))
        ? undefined
        : 'value.value must be a finite float32';
    case 'float64':
      return Number.isFinite(number) ? undefined : 'value.value must be a finite number';
    case 'nonFinite':
      return whole(value.bits, 0, 0xffff_ffff) && (value.bits & 0x7f80_0000) === 0x7f80_0000
        ? undefined
        : 'value.bits must be the bits of a float32 that is not finite';
    case 'string':
      return typeof number === 'string' && Buffer.byteLength(number) <= maxValueBytes
        ? undefined
        : `value.value must be text of at most ${maxValueBytes} bytes`;
    case 'binary':
      return number instanceof Uint8Array && number.length <= maxValueBytes
        ? undefined
        : `value.value must be at most ${maxValueBytes} bytes`;
    default:
      return `value.type is ${String((value as { type?: unknown } | undefined)?.type)}, which is none of sdk/t24`;
  }
}

function qualityProblem(quality: Quality | undefined): string | undefined {
  switch (quality?.kind) {
    case 'none':
      return undefined;
    case 'radio':
      return whole(quality.rssi, 0, 255) && whole(quality.cv, 0, 255)
        ? undefined
        : 'quality.rssi and quality.cv must be raw bytes';
    case 'lqi':
      return whole(quality.percent, 0, 100) ? undefined : 'quality.percent must be a whole number 0..100';
    default:
      return `quality.kind is ${String((quality as { kind?: unknown } | undefined)?.kind)}`;
  }
}

function contentProblem(content: Measurement | OtherFrame | undefined): string | undefined {
  if (!whole(content?.base, 0, 16)) return 'base must be a whole number 0..16';
  switch (content?.kind) {
    case 'measurement':
      if (!whole(content.tag, 0, 0xffff)) return 'tag must be a whole number 0..65535';
      if (!whole(content.flags, 0, 0xff) || !whole(content.status, 0, 0xff)) {
        return 'flags and status must be whole numbers 0..255';
      }
      return valueProblem(content.value) ?? qualityProblem(content.quality);
    case 'other':
      return content.packet instanceof Uint8Array ? undefined : 'packet must be bytes';
    default:
      return `kind is ${String((content as { kind?: unknown } | undefined)?.kind)}`;
  }
}

function outputProblem(decoded: readonly Decoded[], held: unknown, owed: number): string | undefined {
  if (!Array.isArray(decoded)) {
    // Of an async function: what it comes to, nobody waits for, and a failure of it would end the gateway.
    Promise.resolve(decoded).catch(() => {});
    return 'push and stalled must return an array';
  }
  if (!whole(held, 0, maxHeldBytes)) return `held must be 0..${maxHeldBytes} bytes, and is ${String(held)}`;
  let bytes = held as number;
  for (const each of decoded) {
    if (!whole(each?.bytes, 0, owed)) return 'bytes must be a count of the bytes pushed';
    bytes += each.bytes;
    if (each.kind === 'frame') {
      const problem = contentProblem(each.content);
      if (problem !== undefined) return problem;
    } else if (each.kind !== 'discarded' || typeof each.reason !== 'string') {
      return 'each result must be a frame, or discarded with a reason';
    }
  }
  return bytes === owed ? undefined : `${owed} bytes went in, and ${bytes} are accounted for`;
}

/**
 * Stands between the gateway and a decoder that somebody else wrote. What it gives is checked, because a tag out of
 * range or a byte not accounted for would come to light much further on. A decoder that throws or gives anything wrong
 * loses what it was given (`discarded`, the reason says why), and a fresh one takes its place; one that cannot be
 * had is asked for again with the next bytes.
 */
export function guarded(name: string, make: () => Decoder): Decoder {
  let inner: Decoder | undefined = make();
  let held = 0;
  let failure: string | undefined;
  const run = (owed: number, work: (decoder: Decoder) => Decoded[]): Decoded[] => {
    let problem: string | undefined;
    try {
      inner ??= make();
      const decoded = work(inner);
      const { held: left } = inner;
      problem = outputProblem(decoded, left, owed);
      if (problem === undefined) {
        held = left;
        return decoded;
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    failure = `driver ${name} failed: ${problem}`.slice(0, 200);
    inner = undefined;
    held = 0;
    return owed === 0 ? [] : [{ kind: 'discarded', bytes: owed, reason: failure }];
  };
  return {
    get held() {
      return held;
    },
    get failure() {
      return failure;
    },
    push: (chunk) => run(held + chunk.length, (decoder) => decoder.push(chunk)),
    stalled: () => run(held, (decoder) => decoder.stalled()),
  };
}
