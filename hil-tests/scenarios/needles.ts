import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Something that must not be found, under a name for the message when it is. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The forms in which bytes turn up in files, logs and columns: as they are, in hex, in base64 of both alphabets. */
export function formsOf(name: string, secret: Uint8Array): Needle[] {
  const bytes = Buffer.from(secret);
  // Base64 of something longer holds these characters if the bytes begin at a multiple of three: all three are tried.
  const shifted = [0, 1, 2].flatMap((skip) => {
    const aligned = bytes.subarray(skip, skip + Math.floor((bytes.length - skip) / 3) * 3);
    return [aligned.toString('base64'), aligned.toString('base64url')];
  });
  const hex = bytes.toString('hex');
  const texts = [...new Set([hex, hex.toUpperCase(), ...shifted])];
  return [
    { name: `${name} as it is`, bytes },
    ...texts.map((text) => ({ name: `${name} as ${text.slice(0, 12)}…`, bytes: Buffer.from(text) })),
  ];
}

/** The names of those needles that are in `hay`. */
export function foundIn(hay: Uint8Array, needles: readonly Needle[]): string[] {
  const bytes = Buffer.from(hay.buffer, hay.byteOffset, hay.byteLength);
  return needles.filter((needle) => bytes.includes(needle.bytes)).map(({ name }) => name);
}

/** Every file below a folder, as paths. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Searches every file below a folder: `file: needle` for each that is found, but for `except`. */
export function foundBelow(
  folder: string,
  needles: readonly Needle[],
  except: readonly string[] = [],
): string[] {
  return filesBelow(folder)
    .filter((file) => !except.includes(file))
    .flatMap((file) => foundIn(readFileSync(file), needles).map((name) => `${file}: ${name}`));
}

/** Permission bits of a file or folder. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** A value of a database's column as bytes. */
export function columnBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}
