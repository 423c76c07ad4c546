import { packetFlags, statusBits } from '../t24/index.ts';
import type { Quality } from '../telemetry/index.ts';
import type { Measurement } from './driver.ts';

const digit = (character: string): boolean => character >= '0' && character <= '9';
const flag = (character: string): boolean => character === '0' || character === '1';

/** What a field may be made of, and which of that is one. */
interface FieldKind {
  accepts(character: string): boolean;
  readonly pattern: RegExp;
}

/** The fields of a template. A pattern sees at most one line, and none has two ways to match. */
const fields = {
  tag: {
    accepts: (character) => digit(character) || /[A-Fa-f]/.test(character),
    pattern: /^[0-9A-Fa-f]{4}$/,
  },
  value: {
    accepts: (character) => digit(character) || '+-.'.includes(character),
    pattern: /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/,
  },
  rssi: { accepts: (character) => digit(character) || character === '-', pattern: /^-?[0-9]{1,3}$/ },
  cv: { accepts: digit, pattern: /^[0-9]{1,3}$/ },
  lqi: { accepts: digit, pattern: /^[0-9]{1,3}$/ },
  battery: { accepts: flag, pattern: /^[01]$/ },
  error: { accepts: flag, pattern: /^[01]$/ },
  /** Anything that nobody wants to know. */
  skip: { accepts: () => true, pattern: /^/ },
} as const satisfies Record<string, FieldKind>;
type FieldName = keyof typeof fields;
const names = Object.keys(fields).join(', ');

type Piece =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'field'; readonly name: FieldName };

/** Reads one line; undefined where it does not fit the template. */
export type Matcher = (line: string) => Measurement | undefined;

/**
 * Compiles a template such as `{tag},{value},{lqi}` (`{{` and `}}` are braces) into a matcher. A field takes what it
 * can be made of and never gives any back, so a line is gone through once, whatever it holds. Spaces around a
 * field are read over: a column is filled up with them.
 *
 * @param tag where the lines name none: the tag of all of them
 * @throws Error naming the key and what is wrong
 */
export function compileTemplate(template: string, tag: number | undefined): Matcher {
  const pieces = parse(template);
  check(pieces, tag);
  return (line) => {
    const found = match(pieces, line);
    return found && measurementOf(found, tag);
  };
}

function refuse(message: string): never {
  throw new Error(`options.template ${message}`);
}

function parse(template: string): Piece[] {
  const pieces: Piece[] = [];
  const literal = (text: string): void => {
    const last = pieces.at(-1);
    if (last?.kind === 'literal') pieces[pieces.length - 1] = { kind: 'literal', text: last.text + text };
    else pieces.push({ kind: 'literal', text });
  };
  let at = 0;
  while (at < template.length) {
    const character = template[at] as string;
    if ((character === '{' || character === '}') && template[at + 1] === character) {
      literal(character);
      at += 2;
    } else if (character === '{') {
      const end = template.indexOf('}', at);
      if (end < 0) refuse(`has a { without its }: write {{ for a brace`);
      const name = template.slice(at + 1, end);
      if (!Object.hasOwn(fields, name)) refuse(`has the unknown field {${name}}: there are ${names}`);
      pieces.push({ kind: 'field', name: name as FieldName });
      at = end + 1;
    } else if (character === '}') {
      refuse('has a } without its {: write }} for a brace');
    } else {
      if (character.charCodeAt(0) > 0xff) refuse(`has the character ${character}, which is no single byte`);
      literal(character);
      at += 1;
    }
  }
  return pieces;
}

function check(pieces: readonly Piece[], tag: number | undefined): void {
  const used = pieces.flatMap((piece) => (piece.kind === 'field' ? [piece.name] : []));
  for (const name of used) {
    if (name !== 'skip' && used.indexOf(name) !== used.lastIndexOf(name)) refuse(`has {${name}} twice`);
  }
  if (!used.includes('value')) refuse('has no {value}');
  if (tag === undefined && !used.includes('tag')) {
    refuse('has no {tag}: put it in, or say options.tag if all lines are of one transmitter');
  }
  if (tag !== undefined && used.includes('tag')) refuse('has {tag}, and options.tag says one too');
  if (used.includes('rssi') !== used.includes('cv')) {
    refuse('has one of {rssi} and {cv}: quality needs both; {skip} reads over one');
  }
  pieces.forEach((piece, index) => {
    const next = pieces[index + 1];
    if (piece.kind !== 'field' || next === undefined) return;
    if (next.kind === 'field') refuse(`has nothing between {${piece.name}} and {${next.name}}`);
    else if (piece.name !== 'skip' && fields[piece.name].accepts(next.text[0] as string)) {
      refuse(`cannot tell where {${piece.name}} ends: "${next.text[0]}" behind it may be a part of it`);
    }
  });
}

/** The fields of a line by name; undefined where the line does not fit. */
function match(pieces: readonly Piece[], line: string): Map<FieldName, string> | undefined {
  const found = new Map<FieldName, string>();
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === 'literal') {
      if (!line.startsWith(piece.text, at)) return undefined;
      at += piece.text.length;
      continue;
    }
    const next = pieces[index + 1];
    const until = next?.kind === 'literal' ? (next.text[0] as string) : undefined;
    if (piece.name === 'skip') {
      const end = until === undefined ? line.length : line.indexOf(until, at);
      if (end < 0) return undefined;
      at = end;
      continue;
    }
    while (line[at] === ' ') at += 1;
    const start = at;
    const { accepts, pattern } = fields[piece.name];
    while (at < line.length && accepts(line[at] as string)) at += 1;
    const text = line.slice(start, at);
    if (!pattern.test(text)) return undefined;
    found.set(piece.name, text);
    while (until !== ' ' && line[at] === ' ') at += 1;
  }
  return at === line.length ? found : undefined;
}

function measurementOf(found: Map<FieldName, string>, tag: number | undefined): Measurement | undefined {
  const value = Number(found.get('value'));
  const quality = qualityOf(found);
  if (!Number.isFinite(value) || quality === undefined) return undefined;
  return {
    kind: 'measurement',
    base: 0,
    tag: tag ?? Number.parseInt(found.get('tag') ?? '', 16),
    value: { type: 'float64', value },
    flags: found.get('battery') === '1' ? packetFlags.batteryLow : 0,
    status: found.get('error') === '1' ? statusBits.integrityError : 0,
    quality,
  };
}

/** Undefined where what the line says of it is outside its range. RSSI in dB, as `rssiDecibels` of sdk/t24 has it. */
function qualityOf(found: Map<FieldName, string>): Quality | undefined {
  const [rssi, cv, lqi] = [found.get('rssi'), found.get('cv'), found.get('lqi')];
  if (lqi !== undefined && Number(lqi) > 100) return undefined;
  if (rssi !== undefined && cv !== undefined) {
    const raw = Number(rssi) + 45;
    if (raw < -128 || raw > 127 || Number(cv) > 127) return undefined;
    return { kind: 'radio', rssi: raw & 0xff, cv: Number(cv) };
  }
  return lqi === undefined ? { kind: 'none' } : { kind: 'lqi', percent: Number(lqi) };
}
