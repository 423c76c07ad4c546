/**
 * The line on which each key of a TOML document stands.
 *
 * smol-toml reports positions for syntax errors only, and an error about a value is worth little without its
 * line. This scan runs after smol-toml has accepted the text, so it follows the structure of valid TOML 1.0
 * (headers, dotted keys, strings, arrays, inline tables) and judges nothing.
 */

/** A key's way down the document: table names, array positions, key. */
export type KeyPath = readonly (string | number)[];

/** Finds the line (from 1) of a key, or of the nearest table around it; 1 for the document itself. */
export type LineFinder = (path: KeyPath) => number;

const nameOf = (path: KeyPath): string => JSON.stringify(path);

/** Scans `text`, which must be valid TOML. */
export function findLines(text: string): LineFinder {
  const lines = new Map<string, number>();
  const arrayLengths = new Map<string, number>();
  let position = 0;
  let line = 1;

  const step = (count = 1): void => {
    for (const end = position + count; position < end; position++) if (text[position] === '\n') line++;
  };
  const skipComment = (): void => {
    while (position < text.length && text[position] !== '\n') step();
  };
  const skipBlank = (stops: string): void => {
    for (;;) {
      const character = text[position];
      if (character === '#') skipComment();
      else if (character !== undefined && stops.includes(character)) step();
      else return;
    }
  };
  /** Steps over a string of any of TOML's four kinds and returns what lies between its quotes. */
  const skipString = (): string => {
    const quote = text[position] as string;
    const long = text.startsWith(quote.repeat(3), position);
    const close = long ? quote.repeat(3) : quote;
    step(close.length);
    const start = position;
    while (position < text.length && !text.startsWith(close, position)) {
      step(quote === '"' && text[position] === '\\' ? 2 : 1);
    }
    // A long string may end in up to two quotes of its own before the closing three.
    while (long && text[position + 3] === quote) step();
    const content = text.slice(start, position);
    step(close.length);
    return quote === '"' ? plainText(content) : content;
  };
  const scanKey = (): string[] => {
    const parts: string[] = [];
    for (;;) {
      skipBlank(' \t');
      if (text[position] === '"' || text[position] === "'") parts.push(skipString());
      else {
        const start = position;
        while (/[A-Za-z0-9_-]/.test(text[position] ?? '')) step();
        parts.push(text.slice(start, position));
      }
      skipBlank(' \t');
      if (text[position] !== '.') return parts;
      step();
    }
  };
  const note = (path: KeyPath): void => {
    if (!lines.has(nameOf(path))) lines.set(nameOf(path), line);
  };
  const scanValue = (path: KeyPath): void => {
    skipBlank(' \t');
    const character = text[position];
    if (character === '"' || character === "'") skipString();
    else if (character === '[') scanArray(path);
    else if (character === '{') scanInlineTable(path);
    else while (position < text.length && !',]}\n#'.includes(text[position] as string)) step();
  };
  const scanArray = (path: KeyPath): void => {
    step();
    for (let index = 0; ; index++) {
      skipBlank(' \t\r\n,');
      if (position >= text.length || text[position] === ']') break;
      note([...path, index]);
      scanValue([...path, index]);
    }
    step();
  };
  const scanInlineTable = (path: KeyPath): void => {
    step();
    for (;;) {
      skipBlank(' \t\r\n,');
      if (position >= text.length || text[position] === '}') break;
      scanAssignment(path);
    }
    step();
  };
  const scanAssignment = (table: KeyPath): void => {
    const parts = scanKey();
    for (let depth = 1; depth <= parts.length; depth++) note([...table, ...parts.slice(0, depth)]);
    step();
    scanValue([...table, ...parts]);
  };
  /** Where a header's name leads: through an array of tables it means the table opened last. */
  const resolve = (parts: readonly string[]): KeyPath => {
    let path: KeyPath = [];
    for (const part of parts) {
      path = [...path, part];
      const length = arrayLengths.get(nameOf(path));
      if (length !== undefined) path = [...path, length - 1];
    }
    return path;
  };

  let table: KeyPath = [];
  for (;;) {
    skipBlank(' \t\r\n');
    if (position >= text.length) break;
    if (text.startsWith('[[', position)) {
      step(2);
      const parts = scanKey();
      const array = [...resolve(parts.slice(0, -1)), parts.at(-1) as string];
      const index = arrayLengths.get(nameOf(array)) ?? 0;
      arrayLengths.set(nameOf(array), index + 1);
      table = [...array, index];
      note(array);
      note(table);
      step(2);
    } else if (text[position] === '[') {
      step();
      table = resolve(scanKey());
      note(table);
      step();
    } else {
      scanAssignment(table);
    }
  }

  return (path) => {
    for (let depth = path.length; depth > 0; depth--) {
      const found = lines.get(nameOf(path.slice(0, depth)));
      if (found !== undefined) return found;
    }
    return 1;
  };
}

/** A basic string's escapes; they are JSON's, with \U and \e besides, which no key of ours needs. */
function plainText(content: string): string {
  try {
    return JSON.parse(`"${content}"`) as string;
  } catch {
    return content;
  }
}
