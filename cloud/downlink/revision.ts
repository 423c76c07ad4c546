/** Digits that people can read out and that sort as they count (Crockford's base 32). */
const digits = '0123456789abcdefghjkmnpqrstvwxyz';

/** Nine of them hold milliseconds since 1970 until the year 3084. */
const length = 9;

/**
 * A name for a revision: nine letters and digits, sorting after `last` even where the clock was set back.
 *
 * @param now ms since 1970
 */
export function nextRevision(now: number, last: string | undefined): string {
  let count = Math.max(now, last === undefined ? 0 : countOf(last) + 1);
  let name = '';
  for (let place = 0; place < length; place++) {
    name = (digits[count % 32] as string) + name;
    count = Math.floor(count / 32);
  }
  return name;
}

function countOf(revision: string): number {
  return [...revision].reduce((value, digit) => value * 32 + digits.indexOf(digit), 0);
}
