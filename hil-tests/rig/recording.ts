import { RigError } from './errors.ts';

/** How a recording is kept: as hex digits in text, or as the bytes of the line themselves. */
export type RecordingForm = 'hex' | 'raw';

/** A recording that has been read. */
export interface Recording {
  /** The bytes as they were on the line. */
  readonly bytes: Uint8Array;
  readonly form: RecordingForm;
}

/** Options of `readRecording`. */
export interface ReadRecordingOptions {
  /** Form of the file. Default: `detect`, which takes a file of text for hex. A recording of a GW1 is text: `raw`. */
  readonly form?: RecordingForm | 'detect';
}

/**
 * Why a recording cannot be read, and where.
 *
 * - `empty`: no byte of a line in it
 * - `character`: hex text with something else in it
 * - `odd-digits`: half a byte
 */
export type RecordingProblem =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly line: number; readonly column: number }
  | { readonly kind: 'odd-digits'; readonly line: number; readonly digits: number };

/** A recording that cannot be read. `problem` says why and where (lines and columns count from 1). */
export class RecordingError extends RigError {
  override readonly name = 'RecordingError';
  readonly problem: RecordingProblem;

  constructor(problem: RecordingProblem, message: string) {
    super('recording', message);
    this.problem = problem;
  }
}

/** Of a file that is hex text with damage in it, at least this share of bytes are still digits and white space. */
const HEX_TEXT_SHARE = 0.9;
/** As much of a file as is looked at to tell its form. */
const DETECT_BYTES = 65_536;

/**
 * Reads a recording of a serial line: raw bytes, or hex text. Hex digits may be of either case, with or without
 * line breaks and spaces; what follows a `#` up to the end of its line is a comment.
 *
 * A file counts as hex text if all of it is text, or nearly all of it hex; any other character in it is then an
 * error and not a guess. Throws RecordingError.
 */
export function readRecording(file: Uint8Array, options: ReadRecordingOptions = {}): Recording {
  const { form = 'detect' } = options;
  if (file.length === 0) throw empty();
  const found = form === 'detect' ? detect(file.subarray(0, DETECT_BYTES)) : form;
  return found === 'raw' ? { bytes: file, form: 'raw' } : { bytes: parseHex(file), form: 'hex' };
}

function detect(start: Uint8Array): RecordingForm {
  let text = 0;
  let hex = 0;
  for (const byte of start) {
    const blank = byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
    if (blank || (byte > 0x20 && byte < 0x7f)) text += 1;
    if (blank || hexDigit(byte) !== undefined) hex += 1;
  }
  return text === start.length || hex >= start.length * HEX_TEXT_SHARE ? 'hex' : 'raw';
}

/** One line's digits, and where they were. */
interface DigitLine {
  readonly line: number;
  readonly digits: number;
}

function parseHex(file: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(file.length / 2));
  const lines: DigitLine[] = [];
  let digits = 0;
  let lineStart = 0;
  let lineDigits = 0;
  let lineNumber = 1;
  let comment = false;
  for (let offset = 0; offset < file.length; offset++) {
    const byte = file[offset] as number;
    if (byte === 0x0a) {
      if (lineDigits > 0) lines.push({ line: lineNumber, digits: lineDigits });
      lineNumber += 1;
      lineStart = offset + 1;
      lineDigits = 0;
      comment = false;
      continue;
    }
    if (byte === 0x23) comment = true;
    if (comment || byte === 0x20 || byte === 0x09 || byte === 0x0d) continue;
    const digit = hexDigit(byte);
    if (digit === undefined) throw character(byte, lineNumber, offset - lineStart + 1);
    bytes[digits >>> 1] = ((bytes[digits >>> 1] as number) << 4) | digit;
    digits += 1;
    lineDigits += 1;
  }
  if (lineDigits > 0) lines.push({ line: lineNumber, digits: lineDigits });
  if (digits === 0) throw empty();
  refuseHalfBytes(lines, digits);
  return bytes.slice(0, digits >>> 1);
}

/**
 * A byte may be split by a line break only where text was wrapped at a fixed width, all lines but the last alike.
 * Anywhere else an odd line has lost a digit, and every frame behind it would come out shifted.
 */
function refuseHalfBytes(lines: readonly DigitLine[], digits: number): void {
  const width = lines[0]?.digits;
  const wrapped = lines.length > 1 && lines.slice(0, -1).every((line) => line.digits === width);
  const odd = lines.find((line) => line.digits % 2 === 1);
  if (odd === undefined || (wrapped && digits % 2 === 0)) return;
  const at = wrapped ? (lines.at(-1) ?? odd) : odd;
  throw new RecordingError(
    { kind: 'odd-digits', line: at.line, digits: at.digits },
    `line ${at.line} leaves half a byte: it has ${at.digits} hex digits, and two make a byte`,
  );
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}

function character(byte: number, line: number, column: number): RecordingError {
  const shown = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${hex(byte)}`;
  return new RecordingError(
    { kind: 'character', line, column },
    `line ${line}, column ${column}: ${shown} is not a hex digit`,
  );
}

function empty(): RecordingError {
  return new RecordingError({ kind: 'empty' }, 'there is no byte of a recording in it');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0').toUpperCase();
}
