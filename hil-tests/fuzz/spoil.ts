import type { SeededRandom } from '../rig/random.ts';

/** Random bytes, one at least. */
export function noise(random: SeededRandom, most: number): Buffer {
  const bytes = Buffer.alloc(random.integer(1, most));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.integer(0, 255);
  return bytes;
}

/** Something valid, spoilt: bits turned, pieces cut out, doubled, put elsewhere or made of one value. */
export function mutated(random: SeededRandom, valid: Uint8Array): Buffer {
  let bytes = Buffer.from(valid);
  for (let times = random.integer(1, 4); times > 0 && bytes.length > 0; times--) {
    const at = random.integer(0, bytes.length - 1);
    const end = Math.min(bytes.length, at + random.integer(1, 64));
    switch (random.integer(0, 5)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.integer(0, 7));
        break;
      case 1:
        bytes[at] = [0, 0xff, 0x7f, 0x80, 0x0a, 0x20][random.integer(0, 5)] as number;
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), noise(random, 64), bytes.subarray(at)]);
    }
  }
  return bytes;
}

/** One of them. */
export function oneOf<T>(random: SeededRandom, all: readonly T[]): T {
  return all[random.integer(0, all.length - 1)] as T;
}
