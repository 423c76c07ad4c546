import { type Decoder, drivers } from '@loadline/sdk/driver';
import { type Framed, Framer } from '@loadline/sdk/t24';
import { SeededRandom } from '../../rig/random.ts';
import { type Found, guide } from '../guide.ts';
import { mutated, noise } from '../spoil.ts';
import type { FuzzOptions, FuzzRun } from '../targets.ts';
import { type SerialCounts, SerialJudge } from './judge.ts';
import { drawnFrame, HostileLine } from './line.ts';

/** What a framer is asked for. */
export interface LineFramer {
  readonly held: number;
  push(chunk: Uint8Array): Framed[];
  stalled(): Framed[];
}

export interface SerialFuzzOptions extends FuzzOptions {
  /** Makes a framer; a test gives one that is not in order. */
  readonly newFramer?: () => LineFramer;
}

/** What a run found. */
export interface SerialFuzzRun extends FuzzRun, SerialCounts {
  /** Frames that nobody sent, as chance has it (candidates / 65536), and so many that more would be a fault. */
  readonly falseExpected: number;
  readonly falseBound: number;
  /** Pieces of the line, by what they were. */
  readonly pieces: Readonly<Record<string, number>>;
  /** What was spoilt further since it ran something new, and blocks of the codecs that were run. */
  readonly guided: Pick<Found<Uint8Array>, 'inputs' | 'blocks'> & { readonly kept: number };
  /** Bytes that each decoder held at most. */
  readonly held: Readonly<Record<string, number>>;
  /** Of the process, in MiB. */
  readonly memory: { readonly before: number; readonly most: number };
}

/** Share of the bytes by which it is found out what runs the codecs' blocks; more finds nothing more. */
const guidedShare = 1 / 20;
const mostGuided = 2_000_000;
/** Bytes that any decoder may hold: of lines of text the longest that their templates allow. */
const mostHeld = 1024;
const decoderOptions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  so: { template: '{tag}={value},{lqi}' },
};

/**
 * Puts so many bytes, drawn by `seed`, on the line of a radio: whole frames among noise, spoilt ones and silences, in any
 * pieces. They go to a framer twice, cut differently, and some of them to every driver's decoder.
 */
export async function fuzzSerial(options: SerialFuzzOptions): Promise<SerialFuzzRun> {
  const { seed, say = () => {}, newFramer = () => new Framer() } = options;
  const random = new SeededRandom(seed);
  const began = performance.now();
  const faults: string[] = [];
  const fault = (what: string, error: unknown) => faults.push(`${(error as Error).stack}\n${what}`);
  const memory = { before: resident(), most: 0 };
  const found = guide(codecs(newFramer), {
    ...{ bytes: Math.min(options.bytes * guidedShare, mostGuided), random, say },
    covers: (url) => /\/sdk\/(t24|driver)\//.test(url),
    onFault: (input, error) => fault(`bytes ${Buffer.from(input).toString('hex')}`, error),
  });
  const line = new HostileLine(random, found.corpus);
  const judge = new SerialJudge((frame) => line.knows(frame));
  const [framer, other] = [newFramer(), newFramer()];
  const outcomes: Outcome[] = [new Outcome(), new Outcome()];
  const decoders = drivers.map(
    (driver) => new Judged(driver.name, driver.open(decoderOptions[driver.name] ?? {})),
  );
  const pieces: Record<string, number> = {};
  let told = 0;
  while (found.bytes + judge.bytes < options.bytes && faults.length === 0) {
    const { kind, bytes, frames } = line.next();
    pieces[kind] = (pieces[kind] ?? 0) + 1;
    try {
      for (const [index, at] of frames.entries()) judge.expect(at, (frames[index + 1] ?? bytes.length) - at);
      for (const chunk of chunks(random, bytes)) {
        judge.give(chunk);
        const framed = framer.push(chunk);
        judge.take(framed, framer.held);
        outcomes[0]?.add(framed);
      }
      for (const chunk of chunks(random, bytes)) outcomes[1]?.add(other.push(chunk));
      if (random.integer(0, 3) === 0) for (const decoder of decoders) decoder.push(bytes);
      if (random.integer(0, 9) === 0) {
        judge.silence();
        const framed = framer.stalled();
        judge.take(framed, framer.held);
        if (framer.held > 0) throw new Error(`${framer.held} bytes are held after a silence`);
        outcomes[0]?.add(framed);
        outcomes[1]?.add(other.stalled());
        for (const decoder of decoders) decoder.stalled();
        if (outcomes[0]?.text !== outcomes[1]?.text)
          throw new Error(
            `cut differently it is something else: ${outcomes[0]?.text} and ${outcomes[1]?.text}`,
          );
      }
    } catch (error) {
      fault(`${kind}, at byte ${judge.bytes}, ${Buffer.from(bytes).toString('hex')}`, error);
    }
    if (judge.bytes - told >= options.bytes / 10) {
      told = judge.bytes;
      memory.most = Math.max(memory.most, resident());
      say(`${judge.bytes} bytes, ${judge.counts.frames} frames, ${judge.counts.falseFrames} of them false`);
    }
  }
  const falseExpected = judge.counts.candidates / 65_536;
  const falseBound = poissonBound(falseExpected);
  if (judge.counts.falseFrames > falseBound)
    faults.push(`${judge.counts.falseFrames} false frames, where ${falseExpected} are due to chance`);
  return {
    ...{ bytes: found.bytes + judge.bytes, seed, seconds: Math.round((performance.now() - began) / 1000) },
    ...judge.counts,
    ...{ falseExpected, falseBound, pieces },
    guided: { inputs: found.inputs, blocks: found.blocks, kept: found.corpus.length },
    held: Object.fromEntries(decoders.map(({ name, mostHeld: most }) => [name, most])),
    ...{ memory, faults },
  };
}

/** So many that a Poisson variable of this mean is more less than once in ten thousand million runs: by Chernoff's bound. */
export function poissonBound(mean: number): number {
  const exponent = (count: number) => count - mean - count * Math.log(count / mean);
  let bound = Math.max(1, Math.ceil(mean));
  while (mean > 0 && exponent(bound) > Math.log(1e-10)) bound += 1;
  return bound;
}

/** Every decoder of bytes from a radio, under the guide. */
function codecs(newFramer: () => LineFramer) {
  const random = new SeededRandom(1);
  const texts = ['FE56=123.156,100,0,0\r', '25DF=-.5,7,1,1 \r\n', 'FE56=1,101,0,0\r', '='];
  return {
    seeds: [
      ...Array.from({ length: 40 }, () => drawnFrame(random)),
      ...texts.map((text) => Buffer.from(text)),
      noise(random, 200),
    ],
    spoil: (drawn: SeededRandom, input: Uint8Array, another: Uint8Array) =>
      drawn.integer(0, 3) === 0
        ? Buffer.concat([input, another]).subarray(0, 4096)
        : mutated(drawn, input).subarray(0, 4096),
    play(input: Uint8Array) {
      const judge = new SerialJudge(() => true);
      const framer = newFramer();
      judge.give(input);
      judge.take(framer.push(input), framer.held);
      judge.take(framer.stalled(), framer.held);
      for (const driver of drivers) {
        const decoder = new Judged(driver.name, driver.open(decoderOptions[driver.name] ?? {}));
        decoder.push(input);
        decoder.stalled();
      }
    },
    bytesOf: ({ length }: Uint8Array) => length,
  };
}

/** What a framer made of its bytes, short: frames, and how many bytes were none. */
class Outcome {
  #frames = 0;
  #bytes = 0;
  #hash = 0;

  add(framed: readonly Framed[]): void {
    for (const one of framed) {
      if (one.kind === 'discarded') this.#bytes += one.bytes.length;
      else {
        this.#frames += 1;
        for (const byte of one.packet) this.#hash = (Math.imul(this.#hash, 31) + byte + one.base) | 0;
      }
    }
  }

  get text(): string {
    return `${this.#frames} frames (${this.#hash}), ${this.#bytes} bytes discarded`;
  }
}

/** A decoder whose bytes are counted. */
class Judged {
  readonly name: string;
  readonly #decoder: Decoder;
  mostHeld = 0;
  #owed = 0;

  constructor(name: string, decoder: Decoder) {
    this.name = name;
    this.#decoder = decoder;
  }

  push(bytes: Uint8Array): void {
    this.#owed += bytes.length;
    this.#take(this.#decoder.push(bytes));
  }

  stalled(): void {
    this.#take(this.#decoder.stalled());
  }

  #take(decoded: ReturnType<Decoder['push']>): void {
    for (const { bytes } of decoded) this.#owed -= bytes;
    const { held } = this.#decoder;
    if (this.#owed !== held) throw new Error(`${this.name}: ${this.#owed} bytes are owed, ${held} are held`);
    if (held > mostHeld) throw new Error(`${this.name}: ${held} bytes are held`);
    this.mostHeld = Math.max(this.mostHeld, held);
  }
}

/** Bytes as they may come from a port: in pieces of any size. */
function* chunks(random: SeededRandom, bytes: Uint8Array): Generator<Uint8Array> {
  const most = [1, 16, 5000, 5000][random.integer(0, 3)] as number;
  for (let at = 0; at < bytes.length; ) {
    const size = random.integer(1, most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** MiB of this process. */
function resident(): number {
  return Math.round(process.memoryUsage.rss() / 1024 / 1024);
}
