import type { SeededRandom } from '../rig/random.ts';
import { oneOf } from './spoil.ts';

/** Values that a reader of documents may stumble over. */
const hostile: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 1.5, 1e308, -1e-308, 2 ** 31, 2 ** 53, 65_535, 65_536],
  ...[
    '',
    ' ',
    'a',
    '\0',
    'a\0b',
    '\u202e',
    'İ',
    '١٢',
    '25DF',
    '25df',
    '../../etc/passwd',
    'a'.repeat(5000),
    'NaN',
  ],
  ...['__proto__', 'constructor', 'every', 'window', 'radio', 'Leg A', 'http://user:secret@proxy', 'usb'],
  ...[[], {}, [[]], [null], { length: 1 }, { toString: 1 }, JSON.parse('{"__proto__":{"a":1}}') as unknown],
];

type Holder = Record<string, unknown> | unknown[];

/** A document of which a value or two are others, gone, doubled, of `donor`, or hostile ones. The document stays as it is. */
export function valuesSpoilt(random: SeededRandom, document: unknown, donor: unknown): unknown {
  const spoilt = structuredClone(document);
  for (let times = random.integer(1, 3); times > 0; times--) {
    const places = placesIn(spoilt);
    if (places.length === 0) return structuredClone(oneOf(random, hostile));
    const [holder, key] = oneOf(random, places);
    const others = placesIn(donor);
    const another =
      others.length === 0 || random.integer(0, 1) === 0
        ? structuredClone(oneOf(random, hostile))
        : structuredClone(valueAt(oneOf(random, others)));
    switch (random.integer(0, 4)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
        else put(holder, oneOf(random, ['x', '__proto__', ...others.map(([, name]) => name)]), another);
        break;
      default:
        put(holder, key, another);
    }
  }
  return spoilt;
}

/** Every place of a document, as what holds it and its key there. */
function placesIn(value: unknown): [Holder, string][] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  const holder = value as Holder;
  return Object.entries(holder).flatMap(
    ([key, one]) => [[holder, key], ...placesIn(one)] as [Holder, string][],
  );
}

function valueAt([holder, key]: readonly [Holder, string]): unknown {
  return (holder as Record<string, unknown>)[key];
}

/** As a reader of text puts it there: `__proto__` is a key like any other. */
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
