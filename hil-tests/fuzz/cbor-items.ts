import type { SeededRandom } from '../rig/random.ts';
import { oneOf } from './spoil.ts';

/** Where an item stands in CBOR, its head and all that is in it: from, to (not included). */
export type Item = readonly [from: number, to: number];

/** Items that a decoder may stumble over, each whole. */
const hostile: readonly Uint8Array[] = [
  ...['00', '18ff', '19ffff', '1a7fffffff', '1affffffff', '1b0000000100000000', '1b001fffffffffffff'],
  ...[
    '1bffffffffffffffff',
    '20',
    '3bffffffffffffffff',
    'f4',
    'f6',
    'f7',
    'f97e00',
    'f97c00',
    'fb7fefffffffffffff',
  ],
  ...[
    'fbc000000000000000',
    '40',
    '60',
    '61ff',
    '6161',
    '80',
    '8100',
    '8180',
    'a0',
    'a10000',
    'a16161f6',
    '9fff',
    '5fff',
  ],
  ...[
    'c074323031332d30332d32315432303a30343a30305a',
    'c249010000000000000000',
    'c11a514b67b0',
    'd81b8163466f6f',
  ],
  ...[
    'd84540',
    'd84e4400000000',
    'd85547000000000000ff',
    'd8564800000000000000ff',
    'd8404100',
    'd9010280',
    '9a000f4240',
  ],
  ...['5a00100000', '7b00000000ffffffff', 'fc', 'ff', 'd9ffff00'],
].map((hex) => Buffer.from(hex, 'hex'));

/** Every item of these bytes, the outer before the inner; of bytes that are none, those up to where they end to be any. */
function itemsOf(bytes: Uint8Array): Item[] {
  const items: Item[] = [];
  const read = (from: number, depth: number): number => {
    const initial = bytes[from];
    if (initial === undefined || depth > 20 || items.length > 20_000) return Number.NaN;
    const info = initial & 0x1f;
    const width = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : Number.NaN;
    let value = info;
    if (width > 0) {
      value = 0;
      for (let at = from + 1; at <= from + width; at++) value = value * 256 + (bytes[at] ?? Number.NaN);
    }
    const index = items.length;
    items.push([from, Number.NaN]);
    let at = from + 1 + width;
    const major = initial >> 5;
    if (major === 2 || major === 3) at += value;
    const within = major === 4 ? value : major === 5 ? value * 2 : major === 6 ? 1 : 0;
    for (let count = 0; count < within && at <= bytes.length; count++) at = read(at, depth + 1);
    items[index] = [from, at];
    return at;
  };
  for (let at = 0; at < bytes.length; ) at = read(at, 0);
  return items.filter(([, to]) => to <= bytes.length);
}

/** CBOR of which an item or two are others: of somewhere else in it, of `donor`, or hostile ones. */
export function itemsSpoilt(random: SeededRandom, bytes: Uint8Array, donor: Uint8Array): Uint8Array {
  let spoilt = bytes;
  for (let times = random.integer(1, 3); times > 0; times--) {
    const items = itemsOf(spoilt);
    if (items.length === 0) return spoilt;
    const [from, to] = oneOf(random, items);
    spoilt = Buffer.concat([spoilt.subarray(0, from), instead(random, spoilt, donor), spoilt.subarray(to)]);
  }
  return spoilt;
}

function instead(random: SeededRandom, bytes: Uint8Array, donor: Uint8Array): Uint8Array {
  const from = random.integer(0, 2);
  if (from === 0) return oneOf(random, hostile);
  const other = from === 1 ? bytes : donor;
  const items = itemsOf(other);
  return items.length === 0 ? Buffer.alloc(0) : other.subarray(...oneOf(random, items));
}
