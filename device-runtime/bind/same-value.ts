import type { Value } from '@loadline/sdk/t24';

/** Whether two values are the same bit for bit: 0 and -0 are not, and neither are equal numbers of different types. */
export function sameValue(one: Value, other: Value): boolean {
  switch (one.type) {
    case 'none':
      return other.type === 'none';
    case 'nonFinite':
      return other.type === 'nonFinite' && one.bits === other.bits;
    case 'binary':
      return other.type === 'binary' && Buffer.compare(one.value, other.value) === 0;
    default:
      return one.type === other.type && Object.is(one.value, other.value);
  }
}
