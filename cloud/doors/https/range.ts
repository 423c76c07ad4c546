/** A part of a file: bytes from `first` to `last`, both in it. */
export interface Part {
  readonly first: number;
  readonly last: number;
}

/**
 * What of a file is asked for (RFC 9110, section 14.2): the part; 'whole' where no part is, or several are, or what is asked
 * for is written as nobody may write it, which a server passes over; 'none' where the file has no such part.
 */
export function partAskedFor(range: string | undefined, length: number): Part | 'whole' | 'none' {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(range?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const wanted = Math.min(Number(last), length);
    return wanted === 0 ? 'none' : { first: length - wanted, last: length - 1 };
  }
  const from = Number(first);
  const to = last === '' ? length - 1 : Number(last);
  if (last !== '' && to < from) return 'whole';
  return from >= length ? 'none' : { first: from, last: Math.min(to, length - 1) };
}
