import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { codes, limits } from '@loadline/sdk/contract';
import {
  aspects,
  type BatchHeader,
  decodeBatch,
  type Entry,
  encodeBatch,
  entriesOf,
  isSeriesName,
  type ReadingsForm,
  readNamed,
  TelemetryError,
} from '@loadline/sdk/telemetry';
import { SeededRandom } from '../../rig/random.ts';
import { itemsSpoilt } from '../cbor-items.ts';
import { type Found, guide } from '../guide.ts';
import { mutated, oneOf } from '../spoil.ts';
import type { FuzzOptions, FuzzRun } from '../targets.ts';
import { tokensSpoilt } from '../text-tokens.ts';
import { valuesSpoilt } from '../values.ts';

/** A delivery: a batch, or readings by name. */
interface Delivery {
  readonly form: 'batch' | ReadingsForm;
  readonly bytes: Uint8Array;
}

/** What reads the deliveries; a test gives one that is not in order. */
export interface Decoders {
  readonly decodeBatch: typeof decodeBatch;
  readonly readNamed: typeof readNamed;
}

export interface BatchFuzzOptions extends FuzzOptions {
  readonly decoders?: Decoders;
}

/** What a run found. */
export interface BatchFuzzRun extends FuzzRun {
  readonly inputs: number;
  /** What became of them, by form: accepted, or the code they were refused with. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly blocks: Found<Delivery>['blocks'];
  /** Inputs kept since they ran something new. */
  readonly kept: number;
  /** Of one input, milliseconds. */
  readonly slowest: number;
  /** Of the process, in MiB. */
  readonly memory: { readonly before: number; readonly most: number };
}

/** Milliseconds that one delivery may take: a tenth of what the cloud may take to commit it, on a machine that is busy. */
const patience = 1000;

/** Throws so many bytes of spoilt deliveries, guided by coverage, at what reads them. */
export async function fuzzBatch(options: BatchFuzzOptions): Promise<BatchFuzzRun> {
  const { seed, bytes, say = () => {}, decoders = { decodeBatch, readNamed } } = options;
  const random = new SeededRandom(seed);
  const began = performance.now();
  const outcomes: Record<string, number> = {};
  const faults: string[] = [];
  const memory = { before: resident(), most: 0 };
  let slowest = 0;
  const found = guide<Delivery>(
    {
      seeds: [...batches(random), ...named],
      spoil: spoilt,
      play({ form, bytes }) {
        const start = performance.now();
        const outcome = form === 'batch' ? playBatch(decoders, bytes) : playNamed(decoders, form, bytes);
        const took = performance.now() - start;
        slowest = Math.max(slowest, took);
        const name = `${form}: ${outcome}`;
        outcomes[name] = (outcomes[name] ?? 0) + 1;
        if (took > patience) throw new Error(`it took ${Math.round(took)} ms`);
        memory.most = Math.max(memory.most, resident());
      },
      bytesOf: (input) => input.bytes.length,
    },
    {
      ...{ bytes, random, say },
      covers: (url) => /\/sdk\/telemetry\//.test(url),
      onFault: ({ form, bytes }, error) =>
        faults.push(`${error.stack}\n${form} ${Buffer.from(bytes).toString('hex').slice(0, 20_000)}`),
    },
  );
  return {
    ...{ bytes: found.bytes, seed, seconds: Math.round((performance.now() - began) / 1000) },
    ...{ inputs: found.inputs, outcomes, blocks: found.blocks, kept: found.corpus.length },
    ...{ slowest: Math.round(slowest), memory, faults },
  };
}

/** Accepted or the code it was refused with; throws where it was neither, or what was accepted is not whole. */
function playBatch(decoders: Decoders, bytes: Uint8Array): string {
  let batch: ReturnType<typeof decodeBatch>;
  try {
    batch = decoders.decodeBatch(bytes);
  } catch (error) {
    return refused(error, 'batch-');
  }
  const entries = entriesOf(batch);
  const held = batch.series.reduce((sum, { start, end }) => sum + end - start, 0);
  if (entries.length !== batch.count || held + batch.anchors.length + batch.events.length !== batch.count)
    throw new Error(`${batch.count} entries, and another number is in it`);
  for (const entry of entries) {
    if (entry === undefined) throw new Error('a number without an entry');
    const { monotonic } = entry;
    if (!(Number.isSafeInteger(monotonic) && monotonic >= 0 && monotonic <= limits.monotonicMilliseconds))
      throw new Error(`a time of ${monotonic}`);
  }
  sameAgain(batch, entries);
  return 'accepted';
}

/** What was accepted can be encoded, and decodes to the same. */
function sameAgain(header: BatchHeader, entries: readonly Entry[]): void {
  let bytes: Uint8Array;
  try {
    bytes = encodeBatch(header, entries);
  } catch (error) {
    // A spoilt one may hold more than fits when it is written in order.
    if (error instanceof TelemetryError && ['batch-too-large', 'batch-limit'].includes(error.code)) return;
    throw error;
  }
  const again = entriesOf(decodeBatch(bytes));
  for (const [at, entry] of entries.entries()) {
    if (textOf(entry) !== textOf(again[at]))
      throw new Error(`entry ${at} is ${textOf(entry)}, and again ${textOf(again[at])}`);
  }
}

/** Compares what JSON would make the same: -0 and 0 are not. */
function textOf(entry: Entry | undefined): string {
  return JSON.stringify(entry, (_, value: unknown) => (Object.is(value, -0) ? '-0' : value));
}

function playNamed({ readNamed: read }: Decoders, form: ReadingsForm, bytes: Uint8Array): string {
  let readings: ReturnType<typeof readNamed>;
  try {
    readings = read(form, bytes);
  } catch (error) {
    return refused(error, 'readings-');
  }
  for (const { name, time, sinceArrival, value } of readings) {
    if (!isSeriesName(name)) throw new Error(`a series named ${JSON.stringify(name)}`);
    if (time !== undefined && !(Number.isSafeInteger(time) && time >= 0 && time <= limits.wallMilliseconds))
      throw new Error(`a time of ${time}`);
    if (sinceArrival !== undefined && !Number.isSafeInteger(sinceArrival))
      throw new Error(`${sinceArrival} ms since its arrival`);
    if (typeof value.value === 'number' && !Number.isFinite(value.value)) throw new Error(`${value.value}`);
  }
  return 'accepted';
}

function refused(error: unknown, prefix: string): string {
  if (!(error instanceof TelemetryError)) throw error;
  if (!error.code.startsWith(prefix) || !Object.hasOwn(codes, error.code))
    throw new Error(`refused by ${error.code}`);
  return error.code;
}

function spoilt(random: SeededRandom, input: Delivery, other: Delivery): Delivery {
  const { form } = input;
  // Now and then one form is said to be another.
  if (random.integer(0, 50) === 0) return { form: other.form, bytes: input.bytes };
  if (form !== 'batch' && form !== 'senml-cbor' && random.integer(0, 2) > 0) {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    const values = form === 'line' ? undefined : documentOf(text(input.bytes));
    return {
      form,
      bytes: Buffer.from(
        values === undefined || random.integer(0, 2) === 0
          ? tokensSpoilt(random, text(input.bytes), text(other.bytes))
          : JSON.stringify(valuesSpoilt(random, values, documentOf(text(other.bytes)))),
      ),
    };
  }
  const plain = inflated(input.bytes);
  const spoil = (bytes: Uint8Array) =>
    random.integer(0, 1) === 0
      ? mutated(random, bytes)
      : itemsSpoilt(random, bytes, inflated(other.bytes) ?? other.bytes);
  if (plain === undefined) return { form, bytes: spoil(input.bytes) };
  // Most of what is wrong in a compressed one is to come as far as the decoder.
  if (random.integer(0, 9) === 0) return { form, bytes: mutated(random, input.bytes) };
  return { form, bytes: zstdCompressSync(spoil(plain)) };
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a zstd frame holds; undefined of what is none. */
function inflated(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limits.batchInflatedBytes });
  } catch {
    return undefined;
  }
}

const named: readonly Delivery[] = [
  ...[
    [
      'json',
      '{"temp":21.5,"hum":{"value":40,"unit":"%RH","timestamp":1795000000000},"open":true,"state":"idle"}',
    ],
    ['json', '{"a":[{"value":1,"timestamp":1795000000000},{"value":2,"timestamp":1795000001000}]}'],
    ['line', 'temp=21.5 hum=40@1795000000000 open=true state="idle"'],
    ['senml', '[{"bn":"a/","bt":1795000000,"n":"temp","u":"Cel","v":21.5},{"n":"b","vb":true,"t":-5}]'],
    ['senml', '[{"n":"x","vs":"text","bver":10},{"n":"y","vd":"AAEC","bs":5,"bv":1},{"n":"z","s":3}]'],
  ].map(([form, text]) => ({ form: form as ReadingsForm, bytes: Buffer.from(text as string) })),
  ...[
    '81a3006474656d7001634365 6c02f94d60',
    '82a52162612f 22fb41dabec8e600000020 00617602182a01 6143 a2006162 04f5',
    '83a2006178036474657874 a20061790843000102 a2006173 05fb4008000000000000',
    'a0',
  ].map((hex) => ({ form: 'senml-cbor' as const, bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex') })),
];

/** Batches in order: mixed and of one series, small and compressed, with everything that an entry can be. */
function batches(random: SeededRandom): Delivery[] {
  return [0, 1, 3, 3, 10, 40, 40, 200, 1000].map((count, at) => {
    const isMixed = at % 2 === 0;
    const first = entry(random, isMixed);
    const entries = Array.from(
      { length: count },
      (_, index): Entry =>
        isMixed ? entry(random, true) : { ...first, monotonic: first.monotonic + index * 100 },
    );
    return { form: 'batch', bytes: encodeBatch(header(random), entries) };
  });
}

function header(random: SeededRandom): BatchHeader {
  const id = () => Buffer.from(random.bytes(16)).toString('hex');
  const first = random.integer(0, 2 ** 31 - 1);
  return {
    ...{ epoch: id(), boot: id(), first, oldest: Math.max(0, first - random.integer(0, 1000)) },
    parent: random.integer(0, 1) === 0 ? undefined : { epoch: id(), last: random.integer(0, 1000) },
    dropped:
      random.integer(0, 1) === 0
        ? []
        : [
            { first: 1, last: 5 },
            { first: 7, last: 7 },
          ],
  };
}

function entry(random: SeededRandom, isMixed: boolean): Entry {
  const monotonic = random.integer(0, 2 ** 31 - 1);
  const kind = isMixed ? random.integer(0, 9) : 2;
  if (kind === 0) return { kind: 'anchor', monotonic, wall: 1_795_000_000_000, uncertainty: 500 };
  if (kind === 1) return { kind: 'event', monotonic, code: 'port-open', subject: 'radio', detail: 'Brücke' };
  return {
    ...{ kind: 'reading', monotonic, base: random.integer(0, 16), tag: random.integer(0, 0xffff) },
    port: oneOf(random, ['radio', 'mast', 'Brücke']),
    aspect: oneOf(random, aspects),
    calibration: random.integer(0, 2) === 0 ? { gain: 0.5, offset: -3 } : undefined,
    value: oneOf(random, values),
    flags: oneOf(random, [0, 0x40, 0x80]),
    status: random.integer(0, 255),
    quality: oneOf(random, qualities),
  };
}

const qualities = [
  { kind: 'none' },
  { kind: 'radio', rssi: 236, cv: 104 },
  { kind: 'lqi', percent: 70 },
] as const;
const values = [
  { type: 'none' },
  { type: 'uint8', value: 200 },
  { type: 'uint16', value: 60_000 },
  { type: 'int32', value: -5 },
  { type: 'float32', value: 12.5 },
  { type: 'float64', value: 1e-300 },
  { type: 'nonFinite', bits: 0x7fc00000 },
  { type: 'string', value: 'open' },
  { type: 'binary', value: Uint8Array.of(1, 2, 3) },
] as const;

/** MiB of this process. */
function resident(): number {
  return Math.round(process.memoryUsage.rss() / 1024 / 1024);
}
