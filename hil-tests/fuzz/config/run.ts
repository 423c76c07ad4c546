import {
  type Config,
  ConfigError,
  type LocalConfig,
  parseConfig,
  withDesired,
} from '@loadline/device-runtime';
import { parseToml, tomlText } from '@loadline/sdk/toml';
import { SeededRandom } from '../../rig/random.ts';
import { type Found, guide } from '../guide.ts';
import { mutated } from '../spoil.ts';
import type { FuzzOptions, FuzzRun } from '../targets.ts';
import { tokensSpoilt } from '../text-tokens.ts';
import { valuesSpoilt } from '../values.ts';
import { configurations, desired } from './configurations.ts';

/** A configuration as a gateway finds it in its file, or a document that the cloud lays over one that is in order. */
interface Given {
  readonly from: 'file' | 'cloud';
  readonly text: string;
}

/** What a run found. */
export interface ConfigFuzzRun extends FuzzRun {
  readonly inputs: number;
  /** What became of them: accepted, refused, or no text of that form at all. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly blocks: Found<Given>['blocks'];
  readonly kept: number;
  /** Of one input, milliseconds. */
  readonly slowest: number;
}

/** What reads them; a test gives one that is not in order. */
export interface Readers {
  readonly parseConfig: typeof parseConfig;
  readonly withDesired: typeof withDesired;
}

export interface ConfigFuzzOptions extends FuzzOptions {
  readonly readers?: Readers;
}

const file = '/etc/loadline/gateway.toml';
/** Milliseconds that one of 100 kB may take, on a machine that is busy: a gateway hears nothing meanwhile. */
const patience = 2000;

/** Throws so many bytes of spoilt configurations, guided by coverage, at what reads them. */
export async function fuzzConfig(options: ConfigFuzzOptions): Promise<ConfigFuzzRun> {
  const { seed, bytes, say = () => {}, readers = { parseConfig, withDesired } } = options;
  const random = new SeededRandom(seed);
  const began = performance.now();
  const outcomes: Record<string, number> = {};
  const faults: string[] = [];
  const own = parseConfig(configurations[0] as string, file);
  let slowest = 0;
  const found = guide<Given>(
    {
      seeds: [
        ...configurations.map((text): Given => ({ from: 'file', text })),
        ...desired.map((text): Given => ({ from: 'cloud', text })),
      ],
      spoil: (drawn, { from, text }, other) => ({ from, text: spoilt(drawn, from, text, other) }),
      play({ from, text }) {
        const start = performance.now();
        const outcome = from === 'file' ? playFile(readers, text) : playCloud(readers, own, text);
        const took = performance.now() - start;
        slowest = Math.max(slowest, took);
        outcomes[`${from}: ${outcome}`] = (outcomes[`${from}: ${outcome}`] ?? 0) + 1;
        if (took > patience) throw new Error(`it took ${Math.round(took)} ms`);
      },
      bytesOf: ({ text }) => Buffer.byteLength(text),
    },
    {
      ...{ bytes, random, say },
      covers: (url) => /\/(device-runtime\/config|sdk\/toml)\/|\/smol-toml\//.test(url),
      onFault: ({ from, text }, error) => faults.push(`${error.stack}\n${from}: ${JSON.stringify(text)}`),
    },
  );
  return {
    ...{ bytes: found.bytes, seed, seconds: Math.round((performance.now() - began) / 1000) },
    ...{ inputs: found.inputs, outcomes, blocks: found.blocks, kept: found.corpus.length },
    ...{ slowest: Math.round(slowest), faults },
  };
}

/** Spoilt as text, or as the document that it is, which leaves its syntax whole. */
function spoilt(random: SeededRandom, from: Given['from'], text: string, other: Given): string {
  if (random.integer(0, 5) === 0) return mutated(random, Buffer.from(text)).toString();
  const document = documentOf(from, text);
  const donor = documentOf(other.from, other.text);
  if (document === undefined || random.integer(0, 2) === 0) return tokensSpoilt(random, text, other.text);
  const values = valuesSpoilt(random, document, donor);
  if (from === 'cloud') return JSON.stringify(values);
  try {
    return tomlText(values as Record<string, unknown>);
  } catch {
    // Not every value is one that TOML has.
    return tokensSpoilt(random, text, other.text);
  }
}

function documentOf(from: Given['from'], text: string): unknown {
  try {
    return from === 'cloud' ? JSON.parse(text) : parseToml(text, file).table;
  } catch {
    return undefined;
  }
}

function playFile(readers: Readers, text: string): string {
  let read: LocalConfig;
  try {
    read = readers.parseConfig(text, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = text.split('\n').length;
    if (error.problems.length === 0) throw new Error('refused for no reason');
    for (const { key, line, message } of error.problems) {
      if (message === '') throw new Error(`no word on ${key}`);
      // What is missing stands nowhere: it is told at what should have held it, at the latest at the end.
      if (!(Number.isSafeInteger(line) && line >= 1 && line <= lines + 1))
        throw new Error(`line ${line} of ${lines}: ${key} ${message}`);
    }
    return error.problems[0]?.key === '' ? 'no TOML' : 'refused';
  }
  whole(read.config);
  sameAgain(readers, read);
  return 'accepted';
}

function playCloud(readers: Readers, own: LocalConfig, text: string): string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return 'no JSON';
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return 'no document';
  const checked = readers.withDesired(own, document as Record<string, unknown>);
  if ('problems' in checked) {
    if (checked.problems.length === 0 || checked.problems.some(({ message }) => message === ''))
      throw new Error('refused for no reason');
    return 'refused';
  }
  whole(checked.config);
  const ownOnly = (config: Config) => {
    const { gateway, enrolment, drivers, control, clock, journal, uplink } = config;
    return JSON.stringify({ gateway, enrolment, drivers, control, clock, journal, ca: uplink.authority });
  };
  if (ownOnly(checked.config) !== ownOnly(own.config))
    throw new Error("it changed what only the gateway's own file may say");
  const transmits = (config: Config) =>
    config.ports.filter(({ transmit }) => transmit).map(({ name }) => name);
  const allowed = transmits(own.config);
  if (transmits(checked.config).some((name) => !allowed.includes(name)))
    throw new Error('it switched transmission on');
  const passwordOf = ({ uplink }: Config) => uplink.proxy?.password_file;
  if (
    passwordOf(checked.config) !== undefined &&
    (passwordOf(checked.config) !== passwordOf(own.config) ||
      checked.config.uplink.proxy?.url !== own.config.uplink.proxy?.url)
  )
    throw new Error('it gave the password of a proxy to another');
  return 'accepted';
}

/** What the gateway relies on. */
function whole({ ports, sensors, derived, gateway, uplink }: Config): void {
  const tags = [...sensors, ...derived].map(({ tag }) => tag);
  const names = [...sensors, ...derived].map(({ name }) => name);
  const isDistinct = (all: readonly unknown[]) => new Set(all).size === all.length;
  if (ports.length === 0) throw new Error('no port');
  if (!isDistinct(tags) || !isDistinct(names) || !isDistinct(ports.map(({ name }) => name)))
    throw new Error('two of one name or tag');
  if (tags.some((tag) => !(Number.isInteger(tag) && tag >= 0 && tag <= 0xffff)))
    throw new Error('a tag that is none');
  for (const path of [gateway.state, uplink.authority])
    if (!path.startsWith('/') || path.includes('\0')) throw new Error(`the path ${JSON.stringify(path)}`);
  for (const [key, number] of numbersIn({ sensors, derived, uplink }))
    if (!Number.isFinite(number)) throw new Error(`${key} is ${number}`);
}

function numbersIn(value: unknown, key = ''): [string, number][] {
  if (typeof value === 'number') return [[key, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => numbersIn(one, `${key}.${name}`));
}

/** What is written of it is the same configuration. */
function sameAgain(readers: Readers, { document, config }: LocalConfig): void {
  const text = tomlText(document);
  parseToml(text, file);
  const again = readers.parseConfig(text, file).config;
  if (JSON.stringify(again) !== JSON.stringify(config))
    throw new Error(`written and read again it is another: ${text}`);
}
