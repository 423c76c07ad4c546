import type { SeededRandom } from '../rig/random.ts';
import { oneOf } from './spoil.ts';

/** Words that a reader of text may stumble over. */
const hostile: readonly string[] = [
  ...[
    '',
    ' ',
    '\0',
    '\n',
    '\r\n',
    '\t',
    '"',
    "'",
    '"""',
    "'''",
    '\\',
    '#',
    '=',
    ',',
    '{',
    '}',
    '[',
    ']',
    '[[',
    ']]',
  ],
  ...[
    'null',
    'true',
    'false',
    'NaN',
    'nan',
    'inf',
    '-inf',
    '-0',
    '0',
    '1',
    '-1',
    '1.5',
    '1e308',
    '1e400',
    '-1e-400',
  ],
  ...['9007199254740993', '18446744073709551616', '0x7fffffff', '0o17', '0b11', '1_000', '01', '١٢', '٣.٥'],
  ...[
    '""',
    '"a"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\uD83D\\uDE00"',
    `"${'a'.repeat(5000)}"`,
    '"İ"',
    '"\u202e"',
    '"../../etc"',
  ],
  ...[
    '__proto__',
    '"__proto__"',
    'constructor',
    '"constructor"',
    'toString',
    'a.b.c.d',
    '"a.b"',
    'prototype',
  ],
  ...[
    '1979-05-27T07:32:00Z',
    '1979-05-27',
    '07:32:00',
    '9999-12-31T23:59:60Z',
    '{}',
    '[]',
    '[[]]',
    '{ a = 1 }',
  ],
  ...[
    '[[ports]]',
    '[ports]',
    '[a]',
    '[[a]]',
    '[a.b]',
    'a = 1\na = 2\n',
    '['.repeat(2000),
    `${'a.'.repeat(500)}a = 1\n`,
  ],
];

/** Text of which some tokens are lost, doubled, moved, of `donor`, or hostile ones. */
export function tokensSpoilt(random: SeededRandom, text: string, donor: string): string {
  const tokens = tokensOf(text);
  for (let times = random.integer(1, 4); times > 0 && tokens.length > 0; times--) {
    const at = random.integer(0, tokens.length - 1);
    const some = tokens.slice(at, at + random.integer(1, 6));
    switch (random.integer(0, 5)) {
      case 0:
        tokens.splice(at, some.length);
        break;
      case 1:
        tokens.splice(random.integer(0, tokens.length), 0, ...some);
        break;
      case 2:
        tokens.splice(at, 1, oneOf(random, hostile));
        break;
      case 3:
        tokens.splice(at, 0, oneOf(random, hostile));
        break;
      case 4:
        tokens.splice(at, some.length, ...tokensOf(donor).slice(...stretch(random, donor)));
        break;
      case 5:
        // A whole line, where there are lines: a table begins with one.
        tokens.splice(at, 0, '\n', oneOf(random, donor.split('\n')), '\n');
    }
  }
  return tokens.join('').slice(0, 100_000);
}

/** Words, numbers, strings, and each other character by itself. */
function tokensOf(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|[A-Za-z0-9_.+-]+|\s+|./gsu) ?? [];
}

function stretch(random: SeededRandom, donor: string): [number, number] {
  const from = random.integer(0, Math.max(0, tokensOf(donor).length - 1));
  return [from, from + random.integer(1, 12)];
}
